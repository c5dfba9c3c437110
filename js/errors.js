'use strict';

/** The base of every error of this package. The classes and codes are those of Python. */
class Memory64Error extends Error {
  static code = 'ERR_MEMORY64';

  constructor(message, options) {
    super(message, options);
    this.code = new.target.code;
  }

  get name() {
    return this.constructor.name;
  }
}

class LayoutError extends Memory64Error {
  static code = 'ERR_MEMORY64_LAYOUT';
}

class OutOfBoundsError extends Memory64Error {
  static code = 'ERR_MEMORY64_OUT_OF_BOUNDS';
}

class GGUFFormatError extends Memory64Error {
  static code = 'ERR_MEMORY64_GGUF_FORMAT';
}

class UnsupportedArchitectureError extends Memory64Error {
  static code = 'ERR_MEMORY64_UNSUPPORTED_ARCHITECTURE';
}

class UnsupportedQuantTypeError extends Memory64Error {
  static code = 'ERR_MEMORY64_UNSUPPORTED_QUANT_TYPE';
}

class TensorNotFoundError extends Memory64Error {
  static code = 'ERR_MEMORY64_TENSOR_NOT_FOUND';
}

class TokenizerError extends Memory64Error {
  static code = 'ERR_MEMORY64_TOKENIZER';
}

class ChatTemplateError extends Memory64Error {
  static code = 'ERR_MEMORY64_CHAT_TEMPLATE';
}

class LogitsError extends Memory64Error {
  static code = 'ERR_MEMORY64_LOGITS';
}

class CapacityError extends Memory64Error {
  static code = 'ERR_MEMORY64_CAPACITY';
}

class SourceError extends Memory64Error {
  static code = 'ERR_MEMORY64_SOURCE';
}

class SourceNotFoundError extends SourceError {
  static code = 'ERR_MEMORY64_SOURCE_NOT_FOUND';
}

class SourceChangedError extends SourceError {
  static code = 'ERR_MEMORY64_SOURCE_CHANGED';
}

class GuestError extends Memory64Error {
  static code = 'ERR_MEMORY64_GUEST';
}

class GuestModuleError extends GuestError {
  static code = 'ERR_MEMORY64_GUEST_MODULE';
}

class GuestTrapError extends GuestError {
  static code = 'ERR_MEMORY64_GUEST_TRAP';
}

class GuestTimeoutError extends GuestTrapError {
  static code = 'ERR_MEMORY64_GUEST_TIMEOUT';
}

class SessionBusyError extends Memory64Error {
  static code = 'ERR_MEMORY64_SESSION_BUSY';
}

class ClosedError extends Memory64Error {
  static code = 'ERR_MEMORY64_CLOSED';
}

class CancelledError extends Memory64Error {
  static code = 'ERR_MEMORY64_CANCELLED';
}

const classes = [
  Memory64Error,
  LayoutError,
  OutOfBoundsError,
  GGUFFormatError,
  UnsupportedArchitectureError,
  UnsupportedQuantTypeError,
  TensorNotFoundError,
  TokenizerError,
  ChatTemplateError,
  LogitsError,
  CapacityError,
  SourceError,
  SourceNotFoundError,
  SourceChangedError,
  GuestError,
  GuestModuleError,
  GuestTrapError,
  GuestTimeoutError,
  SessionBusyError,
  ClosedError,
  CancelledError,
];
const classOfCode = new Map(classes.map((ErrorClass) => [ErrorClass.code, ErrorClass]));

// Wrong arguments get JavaScript's own classes, and the codes that Node gives them.

function wrongType(message, options) {
  return Object.assign(new TypeError(message, options), { code: 'ERR_INVALID_ARG_TYPE' });
}

function outOfRange(message, options) {
  return Object.assign(new RangeError(message, options), { code: 'ERR_OUT_OF_RANGE' });
}

/** The error for a failure as the addon tells it: `{ type, mro, code, message, traceback }`. */
function toError(failure) {
  const { type, mro, code, message } = failure;
  const options = failure.traceback ? { cause: pythonException(failure) } : undefined;
  const ErrorClass = classOfCode.get(code);
  if (ErrorClass) return new ErrorClass(message, options);
  if (mro.includes('TypeError')) return wrongType(message, options);
  if (mro.includes('ValueError')) return outOfRange(message, options);
  return new Memory64Error(`unexpected ${type} in Python: ${message}`, options);
}

/** What Node prints below `[cause]` is then the traceback, just as Python prints it. */
function pythonException({ type, message, traceback }) {
  const exception = new Error(message);
  exception.name = type;
  exception.stack = traceback.trimEnd();
  return exception;
}

module.exports = {
  Memory64Error,
  LayoutError,
  OutOfBoundsError,
  GGUFFormatError,
  UnsupportedArchitectureError,
  UnsupportedQuantTypeError,
  TensorNotFoundError,
  TokenizerError,
  ChatTemplateError,
  LogitsError,
  CapacityError,
  SourceError,
  SourceNotFoundError,
  SourceChangedError,
  GuestError,
  GuestModuleError,
  GuestTrapError,
  GuestTimeoutError,
  SessionBusyError,
  ClosedError,
  CancelledError,
  wrongType,
  outOfRange,
  toError,
};
