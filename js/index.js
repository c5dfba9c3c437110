'use strict';

const {
  Memory64Error,
  LayoutError,
  OutOfBoundsError,
  GGUFFormatError,
  UnsupportedQuantTypeError,
  TensorNotFoundError,
  CapacityError,
  SourceError,
  SourceNotFoundError,
  SourceChangedError,
  GuestError,
  GuestModuleError,
  GuestTrapError,
  GuestTimeoutError,
  ClosedError,
  CancelledError,
} = require('./errors.js');
const { Guest } = require('./guest.js');
const { Layer, Tensor } = require('./layer.js');
const { MetadataArray } = require('./metadata.js');
const { Model, loadModel } = require('./model.js');

// Plain names only: Node finds them for `import { name }` without running this file, and stops
// looking at the first value that is anything else.
module.exports = {
  loadModel,
  Model,
  Layer,
  Tensor,
  MetadataArray,
  Guest,
  Memory64Error,
  LayoutError,
  OutOfBoundsError,
  GGUFFormatError,
  UnsupportedQuantTypeError,
  TensorNotFoundError,
  CapacityError,
  SourceError,
  SourceNotFoundError,
  SourceChangedError,
  GuestError,
  GuestModuleError,
  GuestTrapError,
  GuestTimeoutError,
  ClosedError,
  CancelledError,
};
