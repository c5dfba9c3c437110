// A guest of a model, as JavaScript's wrapper (js/guest.js) sees it: one method per function of
// memory64.bridge, each of which gives a promise.
#pragma once

#include <napi.h>

#include "handle.h"

namespace memory64 {

class Guest : public Napi::ObjectWrap<Guest> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit Guest(const Napi::CallbackInfo& info);

 private:
  Napi::Value Call(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value MemoryBytes(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Handle guest_;
};

}  // namespace memory64
