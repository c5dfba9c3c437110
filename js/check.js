'use strict';

const { fileURLToPath } = require('node:url');
const { inspect } = require('node:util');
const { outOfRange, wrongType } = require('./errors.js');

/** Throws a TypeError unless `fits`. */
function requireType(fits, name, wanted, value) {
  if (!fits) throw wrongType(`${name} must be ${wanted}, got ${inspect(value, { depth: 0 })}`);
}

/** A path, from a path or a file: URL, which may be a string too. */
function checkSource(source) {
  if (source?.protocol === 'file:' && typeof source.href === 'string') {
    return fileURLToPath(source.href);
  }
  requireType(typeof source === 'string', 'source', 'a path or a file: URL', source);
  if (source === '') throw outOfRange('source must not be empty');
  return source.startsWith('file://') ? fileURLToPath(source) : source;
}

function checkOptions(options) {
  requireType(typeof options === 'object' && options !== null, 'options', 'an object', options);
  const { signal, onProgress } = options;
  const isSignal = typeof signal?.addEventListener === 'function' && 'aborted' in signal;
  requireType(signal === undefined || isSignal, 'signal', 'an AbortSignal', signal);
  const isFunction = typeof onProgress === 'function';
  requireType(onProgress === undefined || isFunction, 'onProgress', 'a function', onProgress);
  return { signal, onProgress };
}

function checkCount(name, value) {
  if (value === undefined) return;
  requireType(typeof value === 'number', name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw outOfRange(`${name} must be a whole number of at least 1, got ${value}`);
  }
}

/** The layout with nothing in it but what Python knows. */
function checkLayout(layout) {
  if (layout === undefined) return undefined;
  requireType(Array.isArray(layout), 'layout', 'an array of { name, sizeGb }', layout);
  if (layout.length === 0) throw outOfRange('layout must name at least one region');
  return Array.from(layout, (region, index) => {
    requireType(
      typeof region?.name === 'string',
      `layout[${index}].name`,
      'a string',
      region?.name,
    );
    const isNumber = typeof region.sizeGb === 'number';
    requireType(isNumber, `layout[${index}].sizeGb`, 'a number', region.sizeGb);
    checkCount(`layout[${index}].sizeGb`, region.sizeGb);
    return { name: region.name, sizeGb: region.sizeGb };
  });
}

/** Those options of loadModel that go to Python. */
function checkLoadOptions({ memory64, maxCached, capacityBytes, policy, layout }) {
  const isMode = [undefined, 'auto', true, false].includes(memory64);
  requireType(isMode, 'memory64', "'auto', true or false", memory64);
  checkCount('maxCached', maxCached);
  checkCount('capacityBytes', capacityBytes);
  const isName = policy === undefined || typeof policy === 'string';
  requireType(isName, 'policy', 'a string', policy);
  return { memory64, maxCached, capacityBytes, policy, layout: checkLayout(layout) };
}

function checkLayerId(id, layerCount) {
  requireType(typeof id === 'number', 'layer id', 'a number', id);
  if (!Number.isInteger(id) || id < 0 || id >= layerCount) {
    throw outOfRange(`layer id must be a whole number from 0 to ${layerCount - 1}, got ${id}`);
  }
}

function checkName(name) {
  requireType(typeof name === 'string', 'tensor name', 'a string', name);
}

module.exports = { checkSource, checkOptions, checkLoadOptions, checkLayerId, checkName };
