// Plain values: the only data that crosses between JavaScript and Python.
#pragma once

#include <napi.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace memory64 {

class BufferView;
class BufferCache;
struct Value;

using List = std::vector<Value>;
using Dict = std::vector<std::pair<std::string, Value>>;  // keeps the order of the keys
using Bytes = std::vector<std::uint8_t>;                  // a copy, on its way into Python

// Belongs to no thread and needs no GIL.
struct Value {
  using Data = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string,
                            List, Dict, Bytes, std::shared_ptr<BufferView>>;

  Value() = default;
  // Implicit, so that lists and dicts can be written down.
  Value(Data data) : data(std::move(data)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string text) : data(std::move(text)) {}  // NOLINT(google-explicit-constructor)

  Data data;
};

// On the JavaScript thread. Throws Napi::TypeError for what has no counterpart.
Value FromJs(Napi::Value value);

// On the JavaScript thread, with buffers shown through the cache of that environment. Throws
// FailureException for a buffer that the engine cannot show.
Napi::Value ToJs(Napi::Env env, const Value& value, BufferCache& buffers);

// Under the GIL. Throws std::logic_error for what has no counterpart.
Value FromPython(pybind11::handle object);
pybind11::object ToPython(const Value& value);

// A Python str as UTF-8; what UTF-8 cannot hold (lone surrogates) is escaped. Under the GIL.
std::string Utf8(pybind11::handle text);

}  // namespace memory64
