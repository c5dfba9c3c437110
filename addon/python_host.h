// The one CPython of this process, and the thread it lives on.
//
// THE GIL RULE, for the whole addon
//   1. The JavaScript thread never takes the GIL, in a finalizer neither: another thread may hold
//      it for as long as one call into C takes.
//   2. Python objects are touched on the host thread and on the pool's threads only, which hold
//      the GIL while they do.
//   3. What else owns a Python object owns it through Own(): whoever lets go last, and
//      wherever, the object is destroyed on the host thread, under the GIL.
//   4. No lock is held while waiting for the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "error.h"

namespace memory64 {

class PythonHost {
 public:
  // Never destroyed: Python's threads may still run while the process exits.
  static PythonHost& Get();

  // Lets Python start on its own thread. Waits for the interpreter, some milliseconds once in a
  // process, not for the packages. Throws std::system_error where no thread can be had.
  void Start();

  // Waits for the start. The failure tells why there is no Python; then no other call is allowed.
  const std::optional<Failure>& WaitUntilStarted();

  // The module memory64.bridge. Needs the GIL.
  pybind11::handle Bridge() const { return bridge_; }

  // Gives an object made under the GIL to owners that do not know the GIL.
  template <class T>
  std::shared_ptr<T> Own(std::unique_ptr<T> object) {
    return {object.release(), [this](T* last) { Reap(std::unique_ptr<T>(last)); }};
  }

  // While one exists, the process leaves without running the destructors of libraries that the
  // work may be inside of.
  class Busy {
   public:
    Busy() { ++Get().busy_; }
    ~Busy() { --Get().busy_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
  };

 private:
  PythonHost() = default;

  using Garbage = std::shared_ptr<void>;
  void Reap(Garbage garbage);
  void Live(const std::string& named);
  void Boot(const std::string& named);
  void ReapForever();
  // Of a thread that runs JavaScript, one of which is to exit.
  struct LeavingEarly {
    ~LeavingEarly();
  };
  static void LeaveEarlyAtExit();
  static void LeaveIfBusy(int status);

  std::atomic<int> busy_{0};
  std::once_flag started_;
  PyThreadState* thread_ = nullptr;  // of the host thread, while it does not hold the GIL
  pybind11::handle bridge_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool initialized_ = false;
  bool settled_ = false;
  std::optional<Failure> failure_;
  std::vector<Garbage> garbage_;
};

}  // namespace memory64
