#include "model.h"

#include <utility>

#include "instance.h"
#include "python_host.h"

namespace py = pybind11;

namespace memory64 {

Napi::Function Model::Define(Napi::Env env) {
  return DefineClass(env, "Model",
                     {
                         InstanceMethod<&Model::GetLayer>("getLayer"),
                         InstanceMethod<&Model::LoadTensor>("loadTensor"),
                         InstanceMethod<&Model::ReadMetadata>("readMetadata"),
                         InstanceMethod<&Model::PreloadAllLayers>("preloadAllLayers"),
                         InstanceMethod<&Model::CacheStats>("cacheStats"),
                         InstanceMethod<&Model::ClearCache>("clearCache"),
                         InstanceMethod<&Model::Close>("close"),
                     });
}

Napi::Value Model::Load(const Napi::CallbackInfo& info) {
  auto loaded = std::make_shared<Handle>();
  auto work = [loaded, source = FromJs(info[0]), options = FromJs(info[1])](py::handle call) {
    PythonHost& host = PythonHost::Get();
    py::object model = host.Bridge().attr("load_model")(ToPython(source), ToPython(options), call);
    *loaded = host.Own(std::make_unique<py::object>(model));
    return FromPython(host.Bridge().attr("describe")(model));
  };
  auto finish = [loaded](Napi::Env env, const memory64::Value& description) -> Napi::Value {
    Instance& instance = Instance::Of(env);
    Napi::Object result = Napi::Object::New(env);
    result["model"] = instance.model.New({Napi::External<Handle>::New(env, loaded.get())});
    result["description"] = ToJs(env, description, *instance.buffers);
    return result;
  };
  return Job::Start(info.Env(), {.work = work,
                                 .finish = finish,
                                 .cancelled = CancelToken::FlagOf(info[2]),
                                 .on_progress = info[3]});
}

Model::Model(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Model>(info), model_(*info[0].As<Napi::External<Handle>>().Data()) {}

// getLayer(id, token?) -> Promise<{ offset, data: ArrayBuffer }[]>
Napi::Value Model::GetLayer(const Napi::CallbackInfo& info) {
  return AskAbout(info, "get_layer");
}

// loadTensor(name, token?) -> Promise<ArrayBuffer>
Napi::Value Model::LoadTensor(const Napi::CallbackInfo& info) {
  return AskAbout(info, "load_tensor");
}

// readMetadata({ key, start, stop }, token?) -> Promise<unknown[]>
Napi::Value Model::ReadMetadata(const Napi::CallbackInfo& info) {
  return AskAbout(info, "read_metadata");
}

// preloadAllLayers(token?, onProgress?) -> Promise<null>
Napi::Value Model::PreloadAllLayers(const Napi::CallbackInfo& info) {
  auto work = [model = model_](py::handle call) {
    return FromPython(PythonHost::Get().Bridge().attr("preload_all_layers")(*model, call));
  };
  return Job::Start(
      info.Env(),
      {.work = work, .cancelled = CancelToken::FlagOf(info[0]), .on_progress = info[1]});
}

// cacheStats() -> Promise<object>
Napi::Value Model::CacheStats(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), "cache_stats");
}

// clearCache() -> Promise<null>
Napi::Value Model::ClearCache(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), "clear_cache");
}

// close() -> Promise<null>
Napi::Value Model::Close(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), "close");
}

Napi::Value Model::Ask(Napi::Env env, const char* function) {
  auto work = [model = model_, function](py::handle) {
    return FromPython(PythonHost::Get().Bridge().attr(function)(*model));
  };
  return Job::Start(env, {.work = work});
}

// For a function of the model, one thing in it (a layer, a tensor, a key) and the call.
Napi::Value Model::AskAbout(const Napi::CallbackInfo& info, const char* function) {
  auto work = [model = model_, function, thing = FromJs(info[0])](py::handle call) {
    return FromPython(PythonHost::Get().Bridge().attr(function)(*model, ToPython(thing), call));
  };
  return Job::Start(info.Env(), {.work = work, .cancelled = CancelToken::FlagOf(info[1])});
}

}  // namespace memory64
