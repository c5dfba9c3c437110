#include "cancel.h"

namespace memory64 {

Napi::Function CancelToken::Define(Napi::Env env) {
  return DefineClass(env, "CancelToken", {InstanceMethod<&CancelToken::Cancel>("cancel")});
}

CancelFlag CancelToken::FlagOf(Napi::Value token) {
  if (!token.IsObject()) return std::make_shared<std::atomic<bool>>(false);
  return Unwrap(token.As<Napi::Object>())->flag_;
}

}  // namespace memory64
