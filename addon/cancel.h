// The handle by which JavaScript stops a call under way: new CancelToken(), token.cancel().
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

namespace memory64 {

using CancelFlag = std::shared_ptr<std::atomic<bool>>;

class CancelToken : public Napi::ObjectWrap<CancelToken> {
 public:
  static Napi::Function Define(Napi::Env env);
  // The flag of the token given, or one that nobody else knows where none was.
  static CancelFlag FlagOf(Napi::Value token);

  explicit CancelToken(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CancelToken>(info) {}

 private:
  void Cancel(const Napi::CallbackInfo&) { *flag_ = true; }

  CancelFlag flag_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace memory64
