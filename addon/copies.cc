#include "copies.h"

#include <pybind11/pybind11.h>

#include <cstring>

#include "buffer.h"

namespace memory64 {

void Copies::Add(void* target, std::shared_ptr<BufferView> source) {
  copies_.emplace_back(target, std::move(source));
}

void Copies::Make() {
  pybind11::gil_scoped_release others_may_run;
  std::lock_guard lock(mutex_);
  if (forbidden_) return;
  for (const auto& [target, source] : copies_) std::memcpy(target, source->data(), source->size());
}

void Copies::Forbid() {
  std::lock_guard lock(mutex_);
  forbidden_ = true;
}

}  // namespace memory64
