// A session of a model, as JavaScript's wrapper (js/session.js) sees it: one method per function of
// memory64.bridge, each of which gives a promise.
#pragma once

#include <napi.h>

#include "handle.h"

namespace memory64 {

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit Session(const Napi::CallbackInfo& info);

 private:
  Napi::Value OpenGeneration(const Napi::CallbackInfo& info);
  Napi::Value Tokens(const Napi::CallbackInfo& info);
  Napi::Value Logits(const Napi::CallbackInfo& info);
  Napi::Value Save(const Napi::CallbackInfo& info);
  Napi::Value Restore(const Napi::CallbackInfo& info);
  Napi::Value Clear(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Handle session_;
};

}  // namespace memory64
