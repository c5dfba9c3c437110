#include "generation.h"

#include "instance.h"

namespace memory64 {

Napi::Function Generation::Define(Napi::Env env) {
  return DefineClass(env, "Generation",
                     {
                         InstanceMethod<&Generation::Next>("next"),
                         InstanceMethod<&Generation::Close>("close"),
                     });
}

Napi::Value Generation::Open(const Handle& owner, const Napi::CallbackInfo& info) {
  return owner.OpenAbout(info, {.open = "open_generation",
                                .describe = "describe_generation",
                                .wrapper = &Instance::generation});
}

Generation::Generation(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Generation>(info), generation_(info) {}

// next(null, token?) -> Promise<{ piece, usage, ... }>
Napi::Value Generation::Next(const Napi::CallbackInfo& info) {
  return generation_.AskAbout(info, "next_piece");
}

// close() -> Promise<null>
Napi::Value Generation::Close(const Napi::CallbackInfo& info) {
  return generation_.Ask(info.Env(), "close_generation");
}

}  // namespace memory64
