#include "model.h"

#include "generation.h"
#include "instance.h"
#include "job.h"
#include "python_host.h"
#include "walk.h"

namespace py = pybind11;

namespace memory64 {

Napi::Function Model::Define(Napi::Env env) {
  return DefineClass(env, "Model",
                     {
                         InstanceMethod<&Model::GetLayer>("getLayer"),
                         InstanceMethod<&Model::OpenWalk>("openWalk"),
                         InstanceMethod<&Model::LoadTensor>("loadTensor"),
                         InstanceMethod<&Model::ReadMetadata>("readMetadata"),
                         InstanceMethod<&Model::PreloadAllLayers>("preloadAllLayers"),
                         InstanceMethod<&Model::CacheStats>("cacheStats"),
                         InstanceMethod<&Model::StreamStats>("streamStats"),
                         InstanceMethod<&Model::Plan>("plan"),
                         InstanceMethod<&Model::ClearCache>("clearCache"),
                         InstanceMethod<&Model::OpenGuest>("openGuest"),
                         InstanceMethod<&Model::OpenSession>("openSession"),
                         InstanceMethod<&Model::OpenGeneration>("openGeneration"),
                         InstanceMethod<&Model::SessionBytes>("sessionBytes"),
                         InstanceMethod<&Model::Tokenize>("tokenize"),
                         InstanceMethod<&Model::Detokenize>("detokenize"),
                         InstanceMethod<&Model::Embed>("embed"),
                         InstanceMethod<&Model::Close>("close"),
                     });
}

Napi::Value Model::Load(const Napi::CallbackInfo& info) {
  auto load = [source = FromJs(info[0]), options = FromJs(info[1])](py::handle bridge,
                                                                    py::handle call) -> py::object {
    return bridge.attr("load_model")(ToPython(source), ToPython(options), call);
  };
  return Handle::Open(info.Env(), {.open = load,
                                   .describe = "describe",
                                   .wrapper = &Instance::model,
                                   .cancelled = CancelToken::FlagOf(info[2]),
                                   .on_progress = info[3]});
}

Model::Model(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Model>(info), model_(info) {}

// getLayer(id, token?) -> Promise<{ offset, data: ArrayBuffer }[]>
Napi::Value Model::GetLayer(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "get_layer");
}

// openWalk(null, token?) -> Promise<{ native, description }>
Napi::Value Model::OpenWalk(const Napi::CallbackInfo& info) {
  return Walk::Open(model_, info);
}

// loadTensor(name, token?) -> Promise<ArrayBuffer>
Napi::Value Model::LoadTensor(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "load_tensor");
}

// readMetadata({ key, start, stop }, token?) -> Promise<unknown[]>
Napi::Value Model::ReadMetadata(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "read_metadata");
}

// preloadAllLayers(token?, onProgress?) -> Promise<null>
Napi::Value Model::PreloadAllLayers(const Napi::CallbackInfo& info) {
  auto work = [model = model_.Shared()](py::handle call) {
    return FromPython(PythonHost::Get().Bridge().attr("preload_all_layers")(*model, call));
  };
  return Job::Start(
      info.Env(),
      {.work = work, .cancelled = CancelToken::FlagOf(info[0]), .on_progress = info[1]});
}

// cacheStats() -> Promise<object>
Napi::Value Model::CacheStats(const Napi::CallbackInfo& info) {
  return model_.Ask(info.Env(), "cache_stats");
}

// streamStats() -> Promise<object | null>
Napi::Value Model::StreamStats(const Napi::CallbackInfo& info) {
  return model_.Ask(info.Env(), "stream_stats");
}

// plan({ memoryBytes?, contextLength?, measureAnew? }, token?) -> Promise<object>
Napi::Value Model::Plan(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "plan");
}

// clearCache() -> Promise<null>
Napi::Value Model::ClearCache(const Napi::CallbackInfo& info) {
  return model_.Ask(info.Env(), "clear_cache");
}

// openGuest({ wasm, ...options }, token?) -> Promise<{ native, description }>
Napi::Value Model::OpenGuest(const Napi::CallbackInfo& info) {
  return model_.OpenAbout(
      info, {.open = "open_guest", .describe = "describe_guest", .wrapper = &Instance::guest});
}

// openSession({ contextLength? }, token?) -> Promise<{ native, description }>
Napi::Value Model::OpenSession(const Napi::CallbackInfo& info) {
  return model_.OpenAbout(
      info,
      {.open = "open_session", .describe = "describe_session", .wrapper = &Instance::session});
}

// openGeneration({ prompt | messages, ...options }, token?) -> Promise<{ native, description }>
Napi::Value Model::OpenGeneration(const Napi::CallbackInfo& info) {
  return Generation::Open(model_, info);
}

// sessionBytes({ contextLength? }, token?) -> Promise<number>
Napi::Value Model::SessionBytes(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "session_bytes");
}

// tokenize({ text, addSpecial?, parseSpecial? }, token?) -> Promise<number[]>
Napi::Value Model::Tokenize(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "tokenize");
}

// detokenize(tokens, token?) -> Promise<string>
Napi::Value Model::Detokenize(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "detokenize");
}

// embed({ text, pooling? }, token?) -> Promise<ArrayBuffer>
Napi::Value Model::Embed(const Napi::CallbackInfo& info) {
  return model_.AskAbout(info, "embed");
}

// close() -> Promise<null>
Napi::Value Model::Close(const Napi::CallbackInfo& info) {
  return model_.Ask(info.Env(), "close");
}

}  // namespace memory64
