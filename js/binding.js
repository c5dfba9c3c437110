'use strict';

const { constants } = require('node:buffer');
const path = require('node:path');
const { Memory64Error } = require('./errors.js');

function load() {
  // Names another build than the release: one for a debugger, or one with sanitizers.
  const named = process.env.MEMORY64_ADDON;
  return named ? loadNamed(path.resolve(named)) : loadRelease();
}

function loadRelease() {
  try {
    return require('../build/Release/memory64.node');
  } catch (cause) {
    const found = cause.code === 'MODULE_NOT_FOUND' ? 'is not built' : 'cannot be loaded';
    throw new Memory64Error(`The native addon ${found}. Run npm install.`, { cause });
  }
}

function loadNamed(file) {
  try {
    return require(file);
  } catch (cause) {
    const reason = cause.code === 'MODULE_NOT_FOUND' ? 'there is no such file' : cause.message;
    throw new Memory64Error(
      `MEMORY64_ADDON names ${file}, which cannot be loaded: ${reason}. ` +
        'Name a build of the addon (npm run build:debug makes one), or unset it.',
      { cause },
    );
  }
}

const native = load();
native.limitBuffers(constants.MAX_LENGTH);

module.exports = native;
