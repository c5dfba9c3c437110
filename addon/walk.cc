#include "walk.h"

#include "instance.h"

namespace memory64 {

Napi::Function Walk::Define(Napi::Env env) {
  return DefineClass(env, "Walk",
                     {
                         InstanceMethod<&Walk::Next>("next"),
                         InstanceMethod<&Walk::Close>("close"),
                     });
}

Napi::Value Walk::Open(const Handle& model, const Napi::CallbackInfo& info) {
  return model.OpenAbout(
      info, {.open = "open_walk", .describe = "describe_walk", .wrapper = &Instance::walk});
}

Walk::Walk(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Walk>(info), walk_(info) {}

// next(null, token?) -> Promise<{ id, runs: { offset, data: ArrayBuffer }[] } | null>
Napi::Value Walk::Next(const Napi::CallbackInfo& info) {
  return walk_.AskAbout(info, "next_layer");
}

// close() -> Promise<null>
Napi::Value Walk::Close(const Napi::CallbackInfo& info) {
  return walk_.Ask(info.Env(), "close_walk");
}

}  // namespace memory64
