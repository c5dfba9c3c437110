'use strict';

const {
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
} = require('./errors.js');
const { GenerationBatch } = require('./batch.js');
const { Generation } = require('./generation.js');
const { Guest } = require('./guest.js');
const { Layer, Tensor } = require('./layer.js');
const { MetadataArray } = require('./metadata.js');
const { Model, loadModel } = require('./model.js');
const { Session } = require('./session.js');

// Plain names only: Node finds them for `import { name }` without running this file, and stops
// looking at the first value that is anything else.
module.exports = {
  loadModel,
  Model,
  Layer,
  Tensor,
  MetadataArray,
  Guest,
  Generation,
  GenerationBatch,
  Session,
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
};
