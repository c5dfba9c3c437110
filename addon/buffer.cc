#include "buffer.h"

#include <string>

#include "error.h"
#include "python_host.h"

namespace py = pybind11;

namespace memory64 {
namespace {

bool IsDetached(napi_env env, napi_value buffer) {
  bool detached = true;
  napi_is_detached_arraybuffer(env, buffer, &detached);
  return detached;
}

void RefuseTransfer(const Napi::CallbackInfo& info) {
  throw Napi::TypeError::New(info.Env(),
                             "The memory of a model cannot be transferred; copy it with slice()");
}

// Node finalizes an external ArrayBuffer when the thread it was made in ends, and therefore lets no
// other thread have it; JavaScript's own transfer() would get past that.
void ForbidTransfer(Napi::Object buffer) {
  for (const char* method : {"transfer", "transferToFixedLength"}) {
    if (!buffer.Has(method)) continue;
    buffer.DefineProperty(
        Napi::PropertyDescriptor::Function(buffer.Env(), buffer, method, RefuseTransfer));
  }
}

}  // namespace

std::shared_ptr<BufferView> BufferView::Of(py::handle exporter) {
  return PythonHost::Get().Own(std::make_unique<BufferView>(exporter));
}

BufferView::BufferView(py::handle exporter) {
  if (PyObject_GetBuffer(exporter.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
}

BufferView::~BufferView() {
  PyBuffer_Release(&view_);
}

py::object BufferView::Exporter() const {
  return py::reinterpret_borrow<py::object>(view_.obj);
}

struct BufferCache::Shown {
  std::shared_ptr<BufferView> view;
  std::weak_ptr<BufferCache> cache;
  Key key;
  std::uint64_t serial;

  // Node calls it on the environment's thread, Deno on one of its garbage collector's.
  static void Finalize(napi_env, void*, void* hint) {
    std::unique_ptr<std::shared_ptr<Shown>> shown(static_cast<std::shared_ptr<Shown>*>(hint));
    if (auto cache = (*shown)->cache.lock()) cache->Forget((*shown)->key, (*shown)->serial);
  }
};

Napi::Value BufferCache::Show(const std::shared_ptr<BufferView>& view) {
  if (view->size() > max_bytes_) {
    throw FailureException(Failure::Capacity(
        "an ArrayBuffer of " + std::to_string(view->size()) + " bytes is needed, and this " +
        "JavaScript engine allows " + std::to_string(max_bytes_) +
        ". Use Node 22 or later, which allows more, or load the tensors one by one."));
  }
  // JavaScript may write into every ArrayBuffer, and into read-only memory that is a crash.
  bool copy = always_copy_ || !view->writable() || view->size() == 0;
  if (copy) return {env_, ShowCopy(view)};

  DropForgotten();
  Key key{view->data(), view->size()};
  if (napi_value known = Find(key)) return {env_, known};
  return {env_, ShowInPlace(view)};
}

napi_value BufferCache::Find(const Key& key) {
  auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  napi_value buffer = nullptr;
  napi_get_reference_value(env_, found->second.reference, &buffer);
  // A transferred ArrayBuffer is an empty shell.
  return buffer && !IsDetached(env_, buffer) ? buffer : nullptr;
}

napi_value BufferCache::ShowInPlace(const std::shared_ptr<BufferView>& view) {
  Key key{view->data(), view->size()};
  auto shown = std::make_shared<Shown>(
      Shown{.view = view, .cache = weak_from_this(), .key = key, .serial = ++serial_});
  napi_value buffer = nullptr;
#if defined(NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED)  // node_api.h then lacks the function
  napi_status status = napi_no_external_buffers_allowed;
#else
  napi_status status =
      napi_create_external_arraybuffer(env_, view->data(), view->size(), Shown::Finalize,
                                       new std::shared_ptr<Shown>(shown), &buffer);
#endif
  if (status == napi_ok) {
    Remember(key, shown->serial, buffer);
    ForbidTransfer({env_, buffer});
    return buffer;
  }
  // Whether a failed call runs the finalizer differs from host to host, so its argument cannot be
  // deleted here; the view it holds can be let go in both cases.
  shown->view.reset();
  always_copy_ = status == napi_no_external_buffers_allowed;
  return ShowCopy(view);
}

napi_value BufferCache::ShowCopy(const std::shared_ptr<BufferView>& view) {
  void* target = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env_, view->size(), &target, &buffer) != napi_ok) {
    throw FailureException(Failure::Engine("JavaScript could not allocate an ArrayBuffer of " +
                                           std::to_string(view->size()) + " bytes."));
  }
  if (view->size() > 0) copies_->Add(target, view);
  return buffer;
}

std::shared_ptr<Copies> BufferCache::TakeCopies() {
  return std::exchange(copies_, std::make_shared<Copies>());
}

void BufferCache::Remember(const Key& key, std::uint64_t serial, napi_value buffer) {
  auto [entry, added] = entries_.try_emplace(key);
  if (!added) napi_delete_reference(env_, entry->second.reference);
  entry->second.serial = serial;
  napi_create_reference(env_, buffer, 0, &entry->second.reference);
}

void BufferCache::Forget(const Key& key, std::uint64_t serial) {
  std::lock_guard lock(mutex_);
  forgotten_.emplace_back(key, serial);
}

void BufferCache::DropForgotten() {
  std::vector<std::pair<Key, std::uint64_t>> forgotten;
  {
    std::lock_guard lock(mutex_);
    forgotten.swap(forgotten_);
  }
  for (const auto& [key, serial] : forgotten) {
    // The memory may have been shown anew before its first ArrayBuffer was found to be gone.
    auto found = entries_.find(key);
    if (found == entries_.end() || found->second.serial != serial) continue;
    napi_delete_reference(env_, found->second.reference);
    entries_.erase(found);
  }
}

void BufferCache::Close() {
  for (auto& [key, entry] : entries_) napi_delete_reference(env_, entry.reference);
  entries_.clear();
}

}  // namespace memory64
