#include "guest.h"

namespace memory64 {

Napi::Function Guest::Define(Napi::Env env) {
  return DefineClass(env, "Guest",
                     {
                         InstanceMethod<&Guest::Call>("call"),
                         InstanceMethod<&Guest::Read>("read"),
                         InstanceMethod<&Guest::Write>("write"),
                         InstanceMethod<&Guest::MemoryBytes>("memoryBytes"),
                         InstanceMethod<&Guest::Close>("close"),
                     });
}

Guest::Guest(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Guest>(info), guest_(info) {}

// call({ name, args, timeoutMs }, token?) -> Promise<(number | bigint)[]>
Napi::Value Guest::Call(const Napi::CallbackInfo& info) {
  return guest_.AskAbout(info, "call_guest");
}

// read({ pointer, size }, token?) -> Promise<ArrayBuffer>
Napi::Value Guest::Read(const Napi::CallbackInfo& info) {
  return guest_.AskAbout(info, "read_guest");
}

// write({ pointer, bytes }, token?) -> Promise<null>
Napi::Value Guest::Write(const Napi::CallbackInfo& info) {
  return guest_.AskAbout(info, "write_guest");
}

// memoryBytes() -> Promise<number>
Napi::Value Guest::MemoryBytes(const Napi::CallbackInfo& info) {
  return guest_.Ask(info.Env(), "guest_memory_bytes");
}

// close() -> Promise<null>
Napi::Value Guest::Close(const Napi::CallbackInfo& info) {
  return guest_.Ask(info.Env(), "close_guest");
}

}  // namespace memory64
