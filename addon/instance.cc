#include "instance.h"

#include <cstdlib>

#include "generation.h"
#include "guest.h"
#include "model.h"
#include "session.h"
#include "walk.h"

namespace memory64 {

Instance::Instance(Napi::Env env)
    : settler(Settler::Create(env)),
      // Lets the way that hosts without external buffers (Electron) take be tried on any host.
      buffers(std::make_shared<BufferCache>(env, std::getenv("MEMORY64_FORCE_COPY") != nullptr)),
      model(Napi::Persistent(Model::Define(env))),
      guest(Napi::Persistent(Guest::Define(env))),
      session(Napi::Persistent(Session::Define(env))),
      generation(Napi::Persistent(Generation::Define(env))),
      walk(Napi::Persistent(Walk::Define(env))) {
  napi_add_env_cleanup_hook(
      env, [](void* cache) { static_cast<BufferCache*>(cache)->Close(); }, buffers.get());
}

}  // namespace memory64
