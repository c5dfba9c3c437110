#include "settler.h"

#include <utility>

#include "job.h"

namespace memory64 {

std::shared_ptr<Settler> Settler::Create(Napi::Env env) {
  auto settler = std::make_shared<Settler>();
  settler->env_ = env;
  // The function owns one reference, so that a late turn of the loop never meets a dead settler.
  auto* owner = new std::shared_ptr<Settler>(settler);
  napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, Napi::String::New(env, "memory64"), 0, 1, owner,
      [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Settler>*>(data); },
      settler.get(), OnWake, &settler->wake_);
  NAPI_THROW_IF_FAILED(env, status, nullptr);
  napi_unref_threadsafe_function(env, settler->wake_);
  // Hooks run last in, first out: this one before that of the function above.
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, settler.get());
  return settler;
}

void Settler::Expect(std::shared_ptr<Job> job) {
  if (expected_.empty()) napi_ref_threadsafe_function(env_, wake_);
  expected_.insert(std::move(job));
}

void Settler::Notify(std::shared_ptr<Job> job) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  news_.push_back(std::move(job));
  bool first = news_.size() == 1;
  if (first) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Settler::OnWake(napi_env env, napi_value, void* context, void*) {
  if (env) static_cast<Settler*>(context)->TellAll(env);
}

void Settler::TellAll(Napi::Env env) {
  std::vector<std::shared_ptr<Job>> news;
  {
    std::lock_guard lock(mutex_);
    news.swap(news_);
  }
  for (const auto& job : news) {
    try {
      job->Tell(env);
      if (job->IsSettled()) expected_.erase(job);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
      // JavaScript is being stopped: nobody can be told, and Close() will see to this job.
    }
  }
  if (expected_.empty()) napi_unref_threadsafe_function(env, wake_);
}

void Settler::OnEnvironmentEnd(void* self) {
  static_cast<Settler*>(self)->Close();
}

void Settler::Close() {
  for (const auto& job : expected_) {
    job->Cancel();
    job->Abandon();
  }
  expected_.clear();
  std::lock_guard lock(mutex_);
  closed_ = true;
  news_.clear();
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
}

}  // namespace memory64
