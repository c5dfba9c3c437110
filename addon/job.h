// One call into Python, from the promise that JavaScript gets to the promise's settling.
#pragma once

#include <napi.h>
#include <pybind11/pybind11.h>

#include <atomic>
#include <functional>
#include <memory>
#include <variant>

#include "cancel.h"
#include "convert.h"
#include "copies.h"
#include "error.h"

namespace memory64 {

class Settler;

class Job : public std::enable_shared_from_this<Job> {
 public:
  // Runs under the GIL on a pool thread. `call` is what Python sees of this job: cancelled() and
  // progress(fraction).
  using Work = std::function<Value(pybind11::handle call)>;
  // Runs on the JavaScript thread and makes the promise's value of the work's.
  using Finish = std::function<Napi::Value(Napi::Env env, const Value& value)>;

  struct Plan {
    Work work;
    Finish finish = ShowValue;
    CancelFlag cancelled = std::make_shared<std::atomic<bool>>(false);
    Napi::Value on_progress = {};  // a function, or anything else for none
  };

  // Posts the work to the pool. For the JavaScript thread.
  static Napi::Value Start(Napi::Env env, Plan plan);

  Job(Napi::Env env, Plan plan);

  // On a pool thread: does the work, under the GIL, or refuses it.
  void Run();
  void Refuse(Failure failure);

  // On any thread.
  void Cancel() { *cancelled_ = true; }
  bool IsCancelled() const { return *cancelled_; }
  void Progress(double fraction);

  // On the JavaScript thread: passes on what is new, at last the promise's value or failure.
  void Tell(Napi::Env env);
  bool IsSettled() const { return settled_; }
  // On the JavaScript thread: the environment ends, and nobody waits for this job any more.
  void Abandon();

 private:
  static Napi::Value ShowValue(Napi::Env env, const Value& value);
  void Complete(std::variant<Value, Failure> outcome);
  void Post();
  void Announce();
  void Report(Napi::Env env);
  void Settle(Napi::Env env);
  void Resolve(Napi::Env env, const Value& value);
  void CopyFirst(Napi::Value result, std::shared_ptr<Copies> copies);

  std::shared_ptr<Settler> settler_;
  Work work_;
  Finish finish_;
  CancelFlag cancelled_;
  std::atomic<double> fraction_{0};
  std::variant<Value, Failure> outcome_;
  std::atomic<bool> complete_{false};
  std::atomic<bool> announced_{false};  // Tell will be called and has not been yet

  // Of the JavaScript thread alone.
  Napi::Promise::Deferred promise_;
  Napi::FunctionReference on_progress_;
  std::shared_ptr<Copies> copies_;  // under way
  double reported_ = 0;
  bool settled_ = false;
};

}  // namespace memory64
