// Text that a model is making, as JavaScript's wrapper (js/generation.js) sees it.
#pragma once

#include <napi.h>

#include "handle.h"

namespace memory64 {

class Generation : public Napi::ObjectWrap<Generation> {
 public:
  static Napi::Function Define(Napi::Env env);

  // openGeneration({ prompt | prompts | messages, ...options }, token?) of a model or a session
  // -> Promise<{ native, description }>
  static Napi::Value Open(const Handle& owner, const Napi::CallbackInfo& info);

  explicit Generation(const Napi::CallbackInfo& info);

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Handle generation_;
};

}  // namespace memory64
