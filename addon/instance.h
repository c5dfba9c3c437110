// What the addon keeps for one JavaScript environment: the main thread, or a worker.
#pragma once

#include <napi.h>

#include <memory>

#include "buffer.h"
#include "settler.h"

namespace memory64 {

struct Instance {
  explicit Instance(Napi::Env env);
  static Instance& Of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }

  std::shared_ptr<Settler> settler;
  std::shared_ptr<BufferCache> buffers;
  // The constructors of the wrappers.
  Napi::FunctionReference model;
  Napi::FunctionReference guest;
  Napi::FunctionReference session;
  Napi::FunctionReference generation;
  Napi::FunctionReference walk;
};

}  // namespace memory64
