// Python memory shown to JavaScript in place.
#pragma once

#include <napi.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "copies.h"

namespace memory64 {

// A Python buffer, held open for as long as anything outside Python looks at it.
class BufferView {
 public:
  // Under the GIL. Throws py::error_already_set where the memory is not contiguous.
  static std::shared_ptr<BufferView> Of(pybind11::handle exporter);
  explicit BufferView(pybind11::handle exporter);
  ~BufferView();
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  void* data() const { return view_.buf; }
  std::size_t size() const { return static_cast<std::size_t>(view_.len); }
  bool writable() const { return !view_.readonly; }
  pybind11::object Exporter() const;  // under the GIL

 private:
  Py_buffer view_;
};

// The ArrayBuffers of one JavaScript environment. The same memory gives the same ArrayBuffer for
// as long as JavaScript holds it. For that environment's thread only.
class BufferCache : public std::enable_shared_from_this<BufferCache> {
 public:
  BufferCache(napi_env env, bool always_copy) : env_(env), always_copy_(always_copy) {}

  // The size of the largest ArrayBuffer that this JavaScript engine allows.
  void Limit(std::size_t max_bytes) { max_bytes_ = max_bytes; }

  // Throws FailureException where the memory cannot be shown.
  Napi::Value Show(const std::shared_ptr<BufferView>& view);

  // What has to be copied before the ArrayBuffers shown since the last time are right.
  std::shared_ptr<Copies> TakeCopies();

  // Call when the environment ends.
  void Close();

 private:
  using Key = std::pair<void*, std::size_t>;
  struct Entry {
    std::uint64_t serial;
    napi_ref reference;  // weak
  };
  struct Shown;  // what one ArrayBuffer keeps alive

  napi_value Find(const Key& key);
  napi_value ShowInPlace(const std::shared_ptr<BufferView>& view);
  napi_value ShowCopy(const std::shared_ptr<BufferView>& view);
  void Remember(const Key& key, std::uint64_t serial, napi_value buffer);
  void DropForgotten();
  void Forget(const Key& key, std::uint64_t serial);  // from any thread

  napi_env env_;
  bool always_copy_;
  std::size_t max_bytes_ = std::numeric_limits<std::size_t>::max();
  std::uint64_t serial_ = 0;
  std::map<Key, Entry> entries_;
  std::shared_ptr<Copies> copies_ = std::make_shared<Copies>();
  std::mutex mutex_;
  std::vector<std::pair<Key, std::uint64_t>> forgotten_;  // guarded by mutex_
};

}  // namespace memory64
