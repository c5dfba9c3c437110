'use strict';

const { constants } = require('node:buffer');
const { Memory64Error } = require('./errors.js');

function load() {
  try {
    return require('../build/Release/memory64.node');
  } catch (cause) {
    const found = cause.code === 'MODULE_NOT_FOUND' ? 'is not built' : 'cannot be loaded';
    throw new Memory64Error(`The native addon ${found}. Run npm install.`, { cause });
  }
}

const native = load();
native.limitBuffers(constants.MAX_LENGTH);

module.exports = native;
