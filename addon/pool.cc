#include "pool.h"

#include <system_error>
#include <thread>
#include <utility>

#include "job.h"

namespace memory64 {

Pool& Pool::Get() {
  static auto* pool = new Pool();
  return *pool;
}

void Pool::Post(std::shared_ptr<Job> job) {
  PythonHost::Get().Start();
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  try {
    Summon();
  } catch (const std::system_error&) {
    jobs_.pop_back();
    throw;
  }
}

// Sees to it that somebody minds the queue. Under the mutex.
void Pool::Summon() {
  if (jobs_.empty() || coming_) return;
  if (idle_ > 0) {
    --idle_;
    ++summons_;
    summoned_.notify_one();
  } else if (threads_ < kMaxThreads) {
    try {
      std::thread(&Pool::Live, this).detach();
    } catch (const std::system_error&) {
      if (threads_ == 0) throw;
      return;  // the threads there are come round to this job
    }
    ++threads_;
  } else {
    return;
  }
  coming_.emplace();
}

void Pool::Live() {
  const auto& failure = PythonHost::Get().WaitUntilStarted();
  // Its Python state lasts as long as the thread: to make one for every summons costs microseconds.
  auto gil = failure ? PyGILState_UNLOCKED : PyGILState_Ensure();
  for (bool summoned = true; summoned;) {
    {
      PythonHost::Busy working;
      Arrive();
      while (auto job = Take()) failure ? job->Refuse(*failure) : job->Run();
    }
    PyThreadState* python = failure ? nullptr : PyEval_SaveThread();
    summoned = AwaitSummons();
    if (python) PyEval_RestoreThread(python);
  }
  if (failure) return;
  PythonHost::Busy leaving;
  PyGILState_Release(gil);
}

void Pool::Arrive() {
  std::lock_guard lock(mutex_);
  coming_.reset();
}

// Null where there is nothing left to do: the thread then counts as idle.
std::shared_ptr<Job> Pool::Take() {
  std::lock_guard lock(mutex_);
  if (jobs_.empty()) {
    ++idle_;
    return nullptr;
  }
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  Summon();
  return job;
}

// False where enough threads wait without this one, which had better end.
bool Pool::AwaitSummons() {
  std::unique_lock lock(mutex_);
  if (idle_ > kMaxIdle) {
    --idle_;
    --threads_;
    return false;
  }
  summoned_.wait(lock, [this] { return summons_ > 0; });
  --summons_;
  return true;
}

}  // namespace memory64
