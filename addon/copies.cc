#include "copies.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "buffer.h"
#include "error.h"

namespace memory64 {
namespace {

// Copied between two looks at whether that is still wanted: a millisecond or so.
constexpr std::size_t kPart = std::size_t{4} << 20;

}  // namespace

void Copies::Add(void* target, std::shared_ptr<BufferView> source) {
  copies_.emplace_back(target, std::move(source));
}

void Copies::Make(const std::atomic<bool>& cancelled) {
  pybind11::gil_scoped_release others_may_run;
  std::lock_guard lock(mutex_);
  for (const auto& [target, source] : copies_) {
    for (std::size_t at = 0; at < source->size(); at += kPart) {
      if (forbidden_ || cancelled) throw FailureException(Failure::Engine("The copy was stopped."));
      std::memcpy(static_cast<char*>(target) + at, static_cast<const char*>(source->data()) + at,
                  std::min(kPart, source->size() - at));
    }
  }
}

void Copies::Forbid() {
  forbidden_ = true;
  std::lock_guard wait_for_the_end(mutex_);
}

}  // namespace memory64
