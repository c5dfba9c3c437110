#include "convert.h"

#include <cmath>
#include <stdexcept>

#include "buffer.h"

namespace py = pybind11;

namespace memory64 {
namespace {

constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

Value FromJsNumber(double number) {
  bool whole = std::trunc(number) == number && std::abs(number) <= kMaxSafeInteger;
  bool negative_zero = number == 0 && std::signbit(number);
  if (whole && !negative_zero) return {static_cast<std::int64_t>(number)};
  return {number};
}

Value FromJsBigInt(Napi::BigInt number) {
  bool lossless = false;
  std::int64_t narrow = number.Int64Value(&lossless);
  if (lossless) return {narrow};
  std::uint64_t wide = number.Uint64Value(&lossless);
  if (lossless) return {wide};
  throw Napi::TypeError::New(number.Env(), "a BigInt of more than 64 bits");
}

Value FromJsArray(Napi::Array array) {
  List list;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    list.push_back(FromJs(static_cast<Napi::Value>(array[i])));
  }
  return {std::move(list)};
}

Value FromJsBytes(Napi::Uint8Array array) {
  return {Bytes(array.Data(), array.Data() + array.ElementLength())};
}

Value FromJsObject(Napi::Object object) {
  Dict dict;
  for (const auto& [key, property] : object) {
    Napi::Value value = property;
    if (!value.IsUndefined()) dict.emplace_back(key.ToString(), FromJs(value));
  }
  return {std::move(dict)};
}

Napi::Value IntegerToJs(Napi::Env env, std::int64_t number) {
  if (-kMaxSafeInteger <= number && number <= kMaxSafeInteger) {
    return Napi::Number::New(env, static_cast<double>(number));
  }
  return Napi::BigInt::New(env, number);
}

Napi::Value ListToJs(Napi::Env env, const List& list, BufferCache& buffers) {
  Napi::Array array = Napi::Array::New(env, list.size());
  std::uint32_t index = 0;
  for (const Value& item : list) array.Set(index++, ToJs(env, item, buffers));
  return array;
}

// Defines the properties instead of assigning them: a key may be "__proto__", as it comes from
// a file.
Napi::Value DictToJs(Napi::Env env, const Dict& dict, BufferCache& buffers) {
  Napi::Object object = Napi::Object::New(env);
  std::vector<Napi::PropertyDescriptor> properties;
  for (const auto& [key, value] : dict) {
    properties.push_back(Napi::PropertyDescriptor::Value(
        Napi::String::New(env, key), ToJs(env, value, buffers), napi_default_jsproperty));
  }
  object.DefineProperties(properties);
  return object;
}

Value FromPythonInt(py::handle number) {
  int overflow = 0;
  std::int64_t narrow = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow == 0) return {narrow};
  std::uint64_t wide = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred()) throw py::error_already_set();
  return {wide};
}

Value FromPythonDict(py::handle dict) {
  Dict result;
  for (auto [key, value] : py::reinterpret_borrow<py::dict>(dict)) {
    result.emplace_back(Utf8(py::str(key)), FromPython(value));
  }
  return {std::move(result)};
}

py::object ListToPython(const List& list) {
  py::list result;
  for (const Value& item : list) result.append(ToPython(item));
  return result;
}

py::object BytesToPython(const Bytes& bytes) {
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

py::object DictToPython(const Dict& dict) {
  py::dict result;
  for (const auto& [key, value] : dict) result[py::str(key)] = ToPython(value);
  return result;
}

}  // namespace

Value FromJs(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
    case napi_null:
      return {};
    case napi_boolean:
      return {value.As<Napi::Boolean>().Value()};
    case napi_number:
      return FromJsNumber(value.As<Napi::Number>().DoubleValue());
    case napi_bigint:
      return FromJsBigInt(value.As<Napi::BigInt>());
    case napi_string:
      return {value.As<Napi::String>().Utf8Value()};
    case napi_object:
      if (value.IsArray()) return FromJsArray(value.As<Napi::Array>());
      if (value.IsTypedArray()) return FromJsBytes(value.As<Napi::Uint8Array>());
      return FromJsObject(value.As<Napi::Object>());
    default:
      throw Napi::TypeError::New(value.Env(), "a value that Python has no counterpart for");
  }
}

Napi::Value ToJs(Napi::Env env, const Value& value, BufferCache& buffers) {
  return std::visit(
      Match{
          [&](std::nullptr_t) -> Napi::Value { return env.Null(); },
          [&](bool truth) -> Napi::Value { return Napi::Boolean::New(env, truth); },
          [&](std::int64_t number) { return IntegerToJs(env, number); },
          [&](std::uint64_t number) -> Napi::Value { return Napi::BigInt::New(env, number); },
          [&](double number) -> Napi::Value { return Napi::Number::New(env, number); },
          [&](const std::string& text) -> Napi::Value { return Napi::String::New(env, text); },
          [&](const List& list) { return ListToJs(env, list, buffers); },
          [&](const Dict& dict) { return DictToJs(env, dict, buffers); },
          [](const Bytes&) -> Napi::Value { throw std::logic_error("bytes go into Python only"); },
          [&](const std::shared_ptr<BufferView>& view) { return buffers.Show(view); },
      },
      value.data);
}

Value FromPython(py::handle object) {
  PyObject* raw = object.ptr();
  if (object.is_none()) return {};
  if (PyBool_Check(raw)) return {raw == Py_True};
  if (PyLong_Check(raw)) return FromPythonInt(object);
  if (PyFloat_Check(raw)) return {PyFloat_AS_DOUBLE(raw)};
  if (PyUnicode_Check(raw)) return {Utf8(object)};
  if (PyDict_Check(raw)) return FromPythonDict(object);
  if (PyList_Check(raw) || PyTuple_Check(raw)) {
    List list;
    for (py::handle item : object) list.push_back(FromPython(item));
    return {std::move(list)};
  }
  if (PyObject_CheckBuffer(raw)) return {BufferView::Of(object)};
  throw std::logic_error("a Python " + std::string(Py_TYPE(raw)->tp_name) +
                         " has no counterpart in JavaScript");
}

py::object ToPython(const Value& value) {
  return std::visit(Match{
                        [](std::nullptr_t) -> py::object { return py::none(); },
                        [](const List& list) { return ListToPython(list); },
                        [](const Dict& dict) { return DictToPython(dict); },
                        [](const Bytes& bytes) { return BytesToPython(bytes); },
                        [](const std::shared_ptr<BufferView>& view) { return view->Exporter(); },
                        [](const auto& scalar) -> py::object { return py::cast(scalar); },
                    },
                    value.data);
}

std::string Utf8(py::handle text) {
  Py_ssize_t size = 0;
  if (const char* bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size)) {
    return {bytes, static_cast<std::size_t>(size)};
  }
  PyErr_Clear();
  auto escaped = py::reinterpret_steal<py::bytes>(
      PyUnicode_AsEncodedString(text.ptr(), "utf-8", "backslashreplace"));
  if (!escaped) throw py::error_already_set();
  return escaped;
}

}  // namespace memory64
