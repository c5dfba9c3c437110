#include "instance.h"

#include <cstdlib>

#include "model.h"

namespace memory64 {

Instance::Instance(Napi::Env env)
    : settler(Settler::Create(env)),
      // Lets the way that hosts without external buffers (Electron) take be tried on any host.
      buffers(std::make_shared<BufferCache>(std::getenv("MEMORY64_FORCE_COPY") != nullptr)),
      model(Napi::Persistent(Model::Define(env))) {}

}  // namespace memory64
