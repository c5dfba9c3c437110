// The layers of a model one after the other, as JavaScript's iteration over it asks for them.
#pragma once

#include <napi.h>

#include "handle.h"

namespace memory64 {

class Walk : public Napi::ObjectWrap<Walk> {
 public:
  static Napi::Function Define(Napi::Env env);

  // openWalk(null, token?) of a model -> Promise<{ native, description }>
  static Napi::Value Open(const Handle& model, const Napi::CallbackInfo& info);

  explicit Walk(const Napi::CallbackInfo& info);

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Handle walk_;
};

}  // namespace memory64
