#include "handle.h"

#include "instance.h"
#include "job.h"
#include "python_host.h"

namespace py = pybind11;

namespace memory64 {

Napi::Value Handle::Open(Napi::Env env, const Opening& opening) {
  auto opened = std::make_shared<Object>();
  auto work = [opened, open = opening.open, describe = opening.describe](py::handle call) {
    PythonHost& host = PythonHost::Get();
    py::object object = open(host.Bridge(), call);
    *opened = host.Own(std::make_unique<py::object>(object));
    return FromPython(host.Bridge().attr(describe)(object));
  };
  auto finish = [opened, wrapper = opening.wrapper](Napi::Env env,
                                                    const Value& description) -> Napi::Value {
    Instance& instance = Instance::Of(env);
    Napi::Object result = Napi::Object::New(env);
    result["native"] = (instance.*wrapper).New({Napi::External<Object>::New(env, opened.get())});
    result["description"] = ToJs(env, description, *instance.buffers);
    return result;
  };
  return Job::Start(env, {.work = work,
                          .finish = finish,
                          .cancelled = opening.cancelled,
                          .on_progress = opening.on_progress});
}

Napi::Value Handle::OpenAbout(const Napi::CallbackInfo& info, const Names& names) const {
  auto open = [object = object_, function = names.open, thing = FromJs(info[0])](
                  py::handle bridge, py::handle call) -> py::object {
    return bridge.attr(function)(*object, ToPython(thing), call);
  };
  return Open(info.Env(), {.open = open,
                           .describe = names.describe,
                           .wrapper = names.wrapper,
                           .cancelled = CancelToken::FlagOf(info[1])});
}

Handle::Handle(const Napi::CallbackInfo& info)
    : object_(*info[0].As<Napi::External<Object>>().Data()) {}

Napi::Value Handle::Ask(Napi::Env env, const char* function) const {
  auto work = [object = object_, function](py::handle) {
    return FromPython(PythonHost::Get().Bridge().attr(function)(*object));
  };
  return Job::Start(env, {.work = work});
}

Napi::Value Handle::AskAbout(const Napi::CallbackInfo& info, const char* function) const {
  auto work = [object = object_, function, thing = FromJs(info[0])](py::handle call) {
    return FromPython(PythonHost::Get().Bridge().attr(function)(*object, ToPython(thing), call));
  };
  return Job::Start(info.Env(), {.work = work, .cancelled = CancelToken::FlagOf(info[1])});
}

}  // namespace memory64
