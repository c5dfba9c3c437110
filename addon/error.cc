#include "error.h"

#include <algorithm>
#include <utility>

namespace py = pybind11;

namespace memory64 {
namespace {

std::string Text(py::handle object) {
  auto text = py::reinterpret_steal<py::object>(PyObject_Str(object.ptr()));
  if (text) return Utf8(text);
  PyErr_Clear();
  return "(an exception that cannot be shown)";
}

std::vector<std::string> ClassNames(py::handle type) {
  std::vector<std::string> names;
  for (py::handle base : type.attr("__mro__")) names.push_back(Text(base.attr("__name__")));
  return names;
}

// Other libraries' exceptions have attributes of that name too, an HTTP status for example.
std::string CodeOf(const std::vector<std::string>& mro, py::handle exception) {
  if (std::ranges::find(mro, "Memory64Error") == mro.end()) return {};
  return Text(exception.attr("code"));
}

std::string TracebackOf(const py::error_already_set& error) {
  // An exception raised in C has no trace.
  py::object trace = error.trace() ? error.trace() : py::none();
  py::object format = py::module_::import("traceback").attr("format_exception");
  return Utf8(py::str("").attr("join")(format(error.type(), error.value(), trace)));
}

Failure FromPython(const py::error_already_set& error) {
  Failure failure;
  try {
    failure.message = Text(error.value());
    failure.mro = ClassNames(error.type());
    failure.type = failure.mro.front();
    failure.code = CodeOf(failure.mro, error.value());
    failure.traceback = TracebackOf(error);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // An exception so broken that asking about it raises: what was learnt so far has to do.
  }
  return failure;
}

}  // namespace

Failure Failure::Engine(std::string message) {
  return {.type = "Memory64Error",
          .mro = {"Memory64Error"},
          .code = "ERR_MEMORY64",
          .message = std::move(message),
          .traceback = {}};
}

Failure Failure::Capacity(std::string message) {
  return {.type = "CapacityError",
          .mro = {"CapacityError", "Memory64Error"},
          .code = "ERR_MEMORY64_CAPACITY",
          .message = std::move(message),
          .traceback = {}};
}

Failure Failure::Current() {
  try {
    throw;
  } catch (const py::error_already_set& error) {
    return FromPython(error);
  } catch (const FailureException& error) {
    return error.failure;
  } catch (const std::exception& error) {
    return Engine(error.what());
  }
}

Value Failure::ToValue() const {
  return {Dict{{"type", {type}},
               {"mro", {List(mro.begin(), mro.end())}},
               {"code", {code}},
               {"message", {message}},
               {"traceback", {traceback}}}};
}

}  // namespace memory64
