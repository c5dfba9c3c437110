// Brings what jobs have to say home to the JavaScript thread of their environment.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

namespace memory64 {

class Job;

class Settler {
 public:
  // Lives until its environment has ended and the last job has let go of it.
  static std::shared_ptr<Settler> Create(Napi::Env env);

  // On the JavaScript thread: keeps Node running until this job is settled.
  void Expect(std::shared_ptr<Job> job);

  // On any thread: has Job::Tell called on the JavaScript thread, unless the environment ended.
  // News that come in before that turn share it.
  void Notify(std::shared_ptr<Job> job);

 private:
  static void OnWake(napi_env env, napi_value, void* context, void*);
  static void OnEnvironmentEnd(void* self);
  void TellAll(Napi::Env env);
  void Close();

  napi_env env_ = nullptr;
  std::unordered_set<std::shared_ptr<Job>> expected_;  // of the JavaScript thread alone

  std::mutex mutex_;  // guards what follows
  napi_threadsafe_function wake_ = nullptr;
  bool closed_ = false;
  std::vector<std::shared_ptr<Job>> news_;
};

}  // namespace memory64
