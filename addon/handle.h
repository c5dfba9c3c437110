// A Python object that JavaScript holds by a wrapper, and the functions of memory64.bridge about
// it, each of which gives a promise.
#pragma once

#include <napi.h>
#include <pybind11/pybind11.h>

#include <functional>
#include <memory>

#include "cancel.h"

namespace memory64 {

struct Instance;

class Handle {
 public:
  using Object = std::shared_ptr<pybind11::object>;

  struct Opening {
    // Runs under the GIL on a pool thread and makes the object by a function of the bridge.
    std::function<pybind11::object(pybind11::handle bridge, pybind11::handle call)> open;
    const char* describe;  // the function that tells what does not change about the object
    Napi::FunctionReference Instance::* wrapper;  // the constructor
    CancelFlag cancelled;
    Napi::Value on_progress = {};  // a function, or anything else for none
  };

  // The same by functions of the bridge: `open` is open(object, thing, call).
  struct Names {
    const char* open;
    const char* describe;
    Napi::FunctionReference Instance::* wrapper;
  };

  // Promise<{ native, description }>, where `native` is the wrapper.
  static Napi::Value Open(Napi::Env env, const Opening& opening);
  // The same about this object, for JavaScript's (thing, token?)
  Napi::Value OpenAbout(const Napi::CallbackInfo& info, const Names& names) const;

  // For the constructor of a wrapper, which Open calls.
  explicit Handle(const Napi::CallbackInfo& info);

  const Object& Shared() const { return object_; }

  // function(object)
  Napi::Value Ask(Napi::Env env, const char* function) const;
  // function(object, thing, call), for JavaScript's (thing, token?)
  Napi::Value AskAbout(const Napi::CallbackInfo& info, const char* function) const;

 private:
  Object object_;
};

}  // namespace memory64
