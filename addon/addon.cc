// What the addon exports, and nothing else.
#include <napi.h>

#include <cstddef>

#include "cancel.h"
#include "instance.h"
#include "model.h"

namespace memory64 {
namespace {

// limitBuffers(bytes): the size of the largest ArrayBuffer that this JavaScript engine allows.
void LimitBuffers(const Napi::CallbackInfo& info) {
  double bytes = info[0].As<Napi::Number>().DoubleValue();
  Instance::Of(info.Env()).buffers->Limit(static_cast<std::size_t>(bytes));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Instance(env));
  exports["loadModel"] = Napi::Function::New<&Model::Load>(env, "loadModel");
  exports["limitBuffers"] = Napi::Function::New<&LimitBuffers>(env, "limitBuffers");
  exports["CancelToken"] = CancelToken::Define(env);
  return exports;
}

}  // namespace
}  // namespace memory64

using memory64::Init;
NODE_API_MODULE(memory64, Init)
