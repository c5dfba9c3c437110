// A loaded model, as JavaScript's wrapper (js/model.js) sees it: one method per function of
// memory64.bridge, each of which gives a promise.
#pragma once

#include <napi.h>

#include "handle.h"

namespace memory64 {

class Model : public Napi::ObjectWrap<Model> {
 public:
  static Napi::Function Define(Napi::Env env);

  // loadModel(source, options, token?, onProgress?) -> Promise<{ native, description }>
  static Napi::Value Load(const Napi::CallbackInfo& info);

  explicit Model(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetLayer(const Napi::CallbackInfo& info);
  Napi::Value OpenWalk(const Napi::CallbackInfo& info);
  Napi::Value LoadTensor(const Napi::CallbackInfo& info);
  Napi::Value ReadMetadata(const Napi::CallbackInfo& info);
  Napi::Value PreloadAllLayers(const Napi::CallbackInfo& info);
  Napi::Value CacheStats(const Napi::CallbackInfo& info);
  Napi::Value StreamStats(const Napi::CallbackInfo& info);
  Napi::Value Plan(const Napi::CallbackInfo& info);
  Napi::Value ClearCache(const Napi::CallbackInfo& info);
  Napi::Value OpenGuest(const Napi::CallbackInfo& info);
  Napi::Value OpenSession(const Napi::CallbackInfo& info);
  Napi::Value OpenGeneration(const Napi::CallbackInfo& info);
  Napi::Value SessionBytes(const Napi::CallbackInfo& info);
  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value Detokenize(const Napi::CallbackInfo& info);
  Napi::Value Embed(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  Handle model_;
};

}  // namespace memory64
