// Copies into ArrayBuffers, for what JavaScript cannot be shown in place: the JavaScript thread
// makes the ArrayBuffers, a pool thread fills them, and only then are they handed out.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace memory64 {

class BufferView;

class Copies {
 public:
  // On the JavaScript thread, before anything is copied.
  void Add(void* target, std::shared_ptr<BufferView> source);
  bool IsEmpty() const { return copies_.empty(); }

  // On a pool thread, under the GIL, which it gives away meanwhile. Throws FailureException where
  // the copies are no longer wanted.
  void Make(const std::atomic<bool>& cancelled);

  // On the JavaScript thread, whose ArrayBuffers are about to go: waits for a part under way.
  void Forbid();

 private:
  std::vector<std::pair<void*, std::shared_ptr<BufferView>>> copies_;
  std::mutex mutex_;  // held while copying
  std::atomic<bool> forbidden_{false};
};

}  // namespace memory64
