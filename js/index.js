'use strict';

const errors = require('./errors.js');
const { Layer, Tensor } = require('./layer.js');
const { MetadataArray } = require('./metadata.js');
const { Model, loadModel } = require('./model.js');

// Each name written out, so that Node finds it for `import { name }` without running this file.
module.exports = {
  loadModel,
  Model,
  Layer,
  Tensor,
  MetadataArray,
  Memory64Error: errors.Memory64Error,
  LayoutError: errors.LayoutError,
  OutOfBoundsError: errors.OutOfBoundsError,
  GGUFFormatError: errors.GGUFFormatError,
  UnsupportedQuantTypeError: errors.UnsupportedQuantTypeError,
  TensorNotFoundError: errors.TensorNotFoundError,
  CapacityError: errors.CapacityError,
  SourceError: errors.SourceError,
  SourceNotFoundError: errors.SourceNotFoundError,
  SourceChangedError: errors.SourceChangedError,
  ClosedError: errors.ClosedError,
  CancelledError: errors.CancelledError,
};
