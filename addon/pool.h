// The threads that jobs run on: as many as are needed at once, so that a long job never holds up a
// short one. Not libuv's pool, where four long jobs would stop every file access of the process.
//
// A job needs the GIL before anything else, so one waiting thread per queue is enough: threads are
// woken or started one by one, each by the one that takes a job and leaves others behind. A burst
// of short jobs thus runs on one thread that keeps the GIL, and while a long job has given the GIL
// away the next thread is already there to take it. A few idle threads are kept; a server does not
// keep those of its busiest minute.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "python_host.h"

namespace memory64 {

class Job;

class Pool {
 public:
  // Never destroyed, for the reason that PythonHost is not.
  static Pool& Get();

  // Never waits. Throws std::system_error where the job would need a first thread and there is
  // none to be had.
  void Post(std::shared_ptr<Job> job);

 private:
  // Past this many long jobs at once, the next one waits.
  static constexpr int kMaxThreads = 256;
  static constexpr int kMaxIdle = 8;

  Pool() = default;
  void Summon();
  void Live();
  void Arrive();
  std::shared_ptr<Job> Take();
  bool AwaitSummons();

  std::mutex mutex_;  // guards what follows
  std::condition_variable summoned_;
  std::deque<std::shared_ptr<Job>> jobs_;
  int threads_ = 0;
  int idle_ = 0;
  // While a thread was called to the queue and has not reached it, which makes the process busy.
  std::optional<PythonHost::Busy> coming_;
  int summons_ = 0;  // calls that no idle thread has answered
};

}  // namespace memory64
