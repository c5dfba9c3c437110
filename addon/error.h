// What went wrong, as plain data that may cross from Python's threads to JavaScript's.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <string>
#include <vector>

#include "convert.h"

namespace memory64 {

struct Failure {
  std::string type;              // the exception's class: "TensorNotFoundError"
  std::vector<std::string> mro;  // that class and its bases, nearest first
  std::string code;              // "ERR_MEMORY64_…"; empty where the class has none
  std::string message;
  std::string traceback;  // as Python prints it; empty where no Python code was involved

  // A failure of the addon itself, in the words of memory64.errors.
  static Failure Engine(std::string message);
  static Failure Capacity(std::string message);
  // The exception that a catch block caught. Needs the GIL for those of Python.
  static Failure Current();

  Value ToValue() const;
};

// Carries a Failure out of code that cannot go on.
struct FailureException : std::exception {
  explicit FailureException(Failure failure) : failure(std::move(failure)) {}
  const char* what() const noexcept override { return failure.message.c_str(); }
  Failure failure;
};

}  // namespace memory64
