#include "session.h"

#include "generation.h"

namespace memory64 {

Napi::Function Session::Define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceMethod<&Session::OpenGeneration>("openGeneration"),
                         InstanceMethod<&Session::Tokens>("tokens"),
                         InstanceMethod<&Session::Logits>("logits"),
                         InstanceMethod<&Session::Save>("save"),
                         InstanceMethod<&Session::Restore>("restore"),
                         InstanceMethod<&Session::Clear>("clear"),
                         InstanceMethod<&Session::Close>("close"),
                     });
}

Session::Session(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Session>(info), session_(info) {}

// openGeneration({ prompt | messages, ...options }, token?) -> Promise<{ native, description }>
Napi::Value Session::OpenGeneration(const Napi::CallbackInfo& info) {
  return Generation::Open(session_, info);
}

// tokens() -> Promise<number[]>
Napi::Value Session::Tokens(const Napi::CallbackInfo& info) {
  return session_.Ask(info.Env(), "session_tokens");
}

// logits(tokens, token?) -> Promise<ArrayBuffer>
Napi::Value Session::Logits(const Napi::CallbackInfo& info) {
  return session_.AskAbout(info, "session_logits");
}

// save(path, token?) -> Promise<null>
Napi::Value Session::Save(const Napi::CallbackInfo& info) {
  return session_.AskAbout(info, "save_session");
}

// restore(path, token?) -> Promise<null>
Napi::Value Session::Restore(const Napi::CallbackInfo& info) {
  return session_.AskAbout(info, "restore_session");
}

// clear() -> Promise<null>
Napi::Value Session::Clear(const Napi::CallbackInfo& info) {
  return session_.Ask(info.Env(), "clear_session");
}

// close() -> Promise<null>
Napi::Value Session::Close(const Napi::CallbackInfo& info) {
  return session_.Ask(info.Env(), "close_session");
}

}  // namespace memory64
