#include "job.h"

#include <pybind11/gil_safe_call_once.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "instance.h"
#include "pool.h"
#include "settler.h"

namespace py = pybind11;

namespace memory64 {
namespace {

// The class of `call`, made at the first job: there is no Python to make it in before.
void DefineCallClass() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> defined;
  defined.call_once_and_store_result([]() -> py::object {
    py::object module = py::module_::import("types").attr("ModuleType")("memory64._addon");
    return py::class_<Job, std::shared_ptr<Job>>(module, "Call", py::module_local())
        .def("cancelled", &Job::IsCancelled)
        .def("progress", &Job::Progress);
  });
}

}  // namespace

Napi::Value Job::Start(Napi::Env env, Plan plan) {
  auto job = std::make_shared<Job>(env, std::move(plan));
  job->settler_->Expect(job);
  job->Post();
  return job->promise_.Promise();
}

void Job::Post() {
  try {
    Pool::Get().Post(shared_from_this());
  } catch (const std::system_error& error) {
    Refuse(Failure::Engine(std::string("no thread can be started: ") + error.what()));
  }
}

Job::Job(Napi::Env env, Plan plan)
    : settler_(Instance::Of(env).settler),
      work_(std::move(plan.work)),
      finish_(std::move(plan.finish)),
      cancelled_(std::move(plan.cancelled)),
      promise_(Napi::Promise::Deferred::New(env)) {
  if (plan.on_progress.IsFunction()) {
    on_progress_ = Napi::Persistent(plan.on_progress.As<Napi::Function>());
  }
}

void Job::Run() {
  try {
    DefineCallClass();
    Complete(work_(py::cast(shared_from_this())));
  } catch (const std::exception&) {
    Complete(Failure::Current());
  }
}

void Job::Refuse(Failure failure) {
  Complete(std::move(failure));
}

void Job::Complete(std::variant<Value, Failure> outcome) {
  work_ = nullptr;
  outcome_ = std::move(outcome);
  complete_ = true;
  Announce();
}

// Several threads may report at once; the furthest counts.
void Job::Progress(double fraction) {
  double furthest = fraction_;
  while (fraction > furthest) {
    if (fraction_.compare_exchange_weak(furthest, std::min(fraction, 1.0))) {
      return Announce();
    }
  }
}

void Job::Announce() {
  if (!announced_.exchange(true)) settler_->Notify(shared_from_this());
}

void Job::Tell(Napi::Env env) {
  announced_ = false;
  bool complete = complete_ && !settled_;
  if (complete && std::holds_alternative<Value>(outcome_)) fraction_ = 1;
  Report(env);
  if (complete) Settle(env);
}

void Job::Report(Napi::Env env) {
  double fraction = fraction_;
  if (on_progress_.IsEmpty() || fraction <= reported_) return;
  reported_ = fraction;
  on_progress_.Call({Napi::Number::New(env, fraction)});
}

void Job::Settle(Napi::Env env) {
  settled_ = true;
  auto outcome = std::move(outcome_);  // Python may keep its `call`, and with it this job
  auto reject = [&](const Failure& failure) { promise_.Reject(ShowValue(env, failure.ToValue())); };
  try {
    if (auto* failure = std::get_if<Failure>(&outcome)) {
      reject(*failure);
    } else {
      Resolve(env, std::get<Value>(outcome));
    }
  } catch (const FailureException& refused) {
    reject(refused.failure);
  } catch (const Napi::Error& error) {
    promise_.Reject(error.Value());
  }
  if (settled_) Abandon();
}

void Job::Resolve(Napi::Env env, const Value& value) {
  auto& buffers = *Instance::Of(env).buffers;
  buffers.TakeCopies();  // those of a job that failed half-way
  Napi::Value result = finish_(env, value);
  auto copies = buffers.TakeCopies();
  // Nobody waits for what was cancelled.
  if (copies->IsEmpty() || IsCancelled()) return promise_.Resolve(result);
  CopyFirst(result, std::move(copies));
}

// The same promise goes to the pool once more, with other work.
void Job::CopyFirst(Napi::Value result, std::shared_ptr<Copies> copies) {
  copies_ = std::move(copies);
  work_ = [copies = copies_, cancelled = cancelled_](py::handle) {
    copies->Make(*cancelled);
    return Value();
  };
  auto kept = std::make_shared<Napi::Reference<Napi::Value>>(Napi::Persistent(result));
  finish_ = [kept](Napi::Env, const Value&) { return kept->Value(); };
  complete_ = false;
  settled_ = false;
  Post();
}

void Job::Abandon() {
  if (copies_) copies_->Forbid();
  on_progress_.Reset();
  finish_ = nullptr;
}

Napi::Value Job::ShowValue(Napi::Env env, const Value& value) {
  return ToJs(env, value, *Instance::Of(env).buffers);
}

}  // namespace memory64
