'use strict';

const { fileURLToPath } = require('node:url');
const { inspect, types } = require('node:util');
const { outOfRange, wrongType } = require('./errors.js');

/** Throws a TypeError unless `fits`. */
function requireType(fits, name, wanted, value) {
  if (!fits) throw wrongType(`${name} must be ${wanted}, got ${inspect(value, { depth: 0 })}`);
}

/** A path, from a path or a file: URL, which may be a string too. */
function checkPath(name, value, wanted = 'a path or a file: URL') {
  if (value?.protocol === 'file:' && typeof value.href === 'string') {
    return fileURLToPath(value.href);
  }
  requireType(typeof value === 'string', name, wanted, value);
  if (value === '') throw outOfRange(`${name} must not be empty`);
  return value.startsWith('file://') ? fileURLToPath(value) : value;
}

const checkSource = (source) => checkPath('source', source);

/** The path of a guest, or its bytes. */
function checkWasm(wasm) {
  return bytesOf(wasm) ?? checkPath('wasm', wasm, 'a path, a file: URL or bytes');
}

function checkBytes(name, value) {
  const bytes = bytesOf(value);
  requireType(bytes, name, 'an ArrayBuffer or a view of one', value);
  return bytes;
}

function bytesOf(value) {
  if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
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

function checkCount(name, value, least = 1) {
  if (value === undefined) return;
  requireType(typeof value === 'number', name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < least) {
    throw outOfRange(`${name} must be a whole number of at least ${least}, got ${value}`);
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

/** The policy with nothing in it but what Python knows. */
function checkPolicy(policy) {
  if (policy === undefined || typeof policy === 'string') return policy;
  const layers = policy?.pinned;
  requireType(Array.isArray(layers), 'policy', 'a string or { pinned: [layer, …] }', policy);
  const pinned = Array.from(layers, (id, index) => {
    requireType(typeof id === 'number', `policy.pinned[${index}]`, 'a number', id);
    if (Number.isSafeInteger(id) && id >= 0) return withoutSign(id);
    throw outOfRange(`policy.pinned[${index}] must be the number of a layer, got ${id}`);
  });
  return { pinned };
}

/** Those options of loadModel that go to Python. */
function checkLoadOptions(options) {
  const { memory64, maxCached, capacityBytes, policy, prefetch, threads, layout } = options;
  const isMode = [undefined, 'auto', true, false].includes(memory64);
  requireType(isMode, 'memory64', "'auto', true or false", memory64);
  checkCount('maxCached', maxCached);
  checkCount('capacityBytes', capacityBytes);
  checkCount('prefetch', prefetch, 0);
  checkCount('threads', threads);
  return {
    memory64,
    maxCached,
    capacityBytes,
    policy: checkPolicy(policy),
    prefetch: prefetch === 0 ? 0 : prefetch, // -0 is no whole number in Python
    threads,
    layout: checkLayout(layout),
  };
}

/** What every call of a guest accepts. */
function checkCallOptions(options) {
  const { signal } = checkOptions(options);
  checkDuration('timeoutMs', options.timeoutMs);
  return { signal, timeoutMs: options.timeoutMs };
}

/** Those options of model.guest that go to Python. */
function checkGuestOptions({ memoryBytes, tableElements, timeoutMs, fuel, wasi }) {
  checkCount('memoryBytes', memoryBytes);
  checkCount('tableElements', tableElements);
  checkDuration('timeoutMs', timeoutMs);
  checkCount('fuel', fuel);
  requireType([undefined, true, false].includes(wasi), 'wasi', 'true or false', wasi);
  return { memoryBytes, tableElements, timeoutMs, fuel, wasi };
}

function checkDuration(name, value) {
  if (value === undefined) return;
  requireType(typeof value === 'number', name, 'a number', value);
  if (!(value > 0 && value < Infinity)) {
    throw outOfRange(`${name} must be a positive number of milliseconds, got ${value}`);
  }
}

/** Those options of generate and chat that go to Python. */
function checkGenerateOptions(options) {
  const { maxTokens, stop, temperature, topK, topP, minP, seed, logprobs } = options;
  const { repeatPenalty, repeatLastN } = options;
  checkCount('maxTokens', maxTokens);
  const numbers = { temperature, topK, topP, minP, repeatPenalty, repeatLastN, logprobs };
  for (const [name, value] of Object.entries(numbers)) {
    requireType(value === undefined || typeof value === 'number', name, 'a number', value);
  }
  const isSeed = ['undefined', 'number', 'bigint'].includes(typeof seed);
  requireType(isSeed, 'seed', 'a number or a BigInt', seed);
  return { ...numbers, maxTokens, seed, stop: checkStop(stop) };
}

function checkStop(stop) {
  if (stop === undefined) return undefined;
  const strings = Array.isArray(stop) ? Array.from(stop) : [stop];
  const areStrings = strings.every((each) => typeof each === 'string');
  requireType(areStrings, 'stop', 'a string or an array of strings', stop);
  return strings;
}

/** A text, or the tokens of one. */
function checkPrompt(name, prompt) {
  return typeof prompt === 'string' ? prompt : checkTokens(name, prompt, 'a string or tokens');
}

/** Several of them: an array of numbers would be the tokens of a single one. */
function checkPrompts(prompts) {
  requireType(Array.isArray(prompts), 'prompts', 'an array of strings or tokens', prompts);
  return Array.from(prompts, (prompt, index) => checkPrompt(`prompts[${index}]`, prompt));
}

function checkTokens(name, tokens, wanted = 'an array of whole numbers') {
  const isList = Array.isArray(tokens) || types.isTypedArray(tokens);
  requireType(isList, name, wanted, tokens);
  const list = Array.from(tokens, Number);
  requireType(list.every(Number.isSafeInteger), name, wanted, tokens);
  return list;
}

function checkMessages(messages) {
  requireType(Array.isArray(messages), 'messages', 'an array of { role, content }', messages);
  return Array.from(messages, (message, index) => {
    const isMessage = typeof message?.role === 'string' && typeof message.content === 'string';
    requireType(isMessage, `messages[${index}]`, '{ role, content }, both strings', message);
    return { role: message.role, content: message.content };
  });
}

function checkText(text) {
  requireType(typeof text === 'string', 'text', 'a string', text);
  return text;
}

function checkFlag(name, value) {
  requireType([undefined, true, false].includes(value), name, 'true or false', value);
  return value;
}

function checkPooling(pooling) {
  requireType(
    [undefined, 'mean', 'last'].includes(pooling),
    'pooling',
    "'mean' or 'last'",
    pooling,
  );
  return pooling;
}

/** Those options of model.plan that go to Python. */
function checkPlanOptions({ memoryBytes, contextLength, measureAnew }) {
  checkCount('memoryBytes', memoryBytes);
  checkCount('contextLength', contextLength);
  return { memoryBytes, contextLength, measureAnew: checkFlag('measureAnew', measureAnew) };
}

/** What a generation is watched by: its signal, and who is told how it goes on. */
function checkWatchers(options) {
  const { signal } = checkOptions(options);
  const { onStats } = options;
  const isFunction = typeof onStats === 'function';
  requireType(onStats === undefined || isFunction, 'onStats', 'a function', onStats);
  return { signal, onStats };
}

function checkContextLength(contextLength) {
  checkCount('contextLength', contextLength);
  return { contextLength };
}

/** A place or a count of bytes in a guest's memory; whether it is inside only the guest knows. */
function checkSize(name, value) {
  requireType(typeof value === 'number', name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw outOfRange(`${name} must be a whole number of at least 0, got ${value}`);
  }
  return withoutSign(value);
}

function checkLayerId(id, layerCount) {
  requireType(typeof id === 'number', 'layer id', 'a number', id);
  if (!Number.isInteger(id) || id < 0 || id >= layerCount) {
    throw outOfRange(`layer id must be a whole number from 0 to ${layerCount - 1}, got ${id}`);
  }
  return withoutSign(id);
}

/** For a number of at least 0: -0 would become a float in Python. */
function withoutSign(value) {
  return Math.abs(value);
}

function checkName(name) {
  requireType(typeof name === 'string', 'tensor name', 'a string', name);
}

function checkFunctionName(name) {
  requireType(typeof name === 'string', 'function name', 'a string', name);
}

module.exports = {
  checkSource,
  checkWasm,
  checkBytes,
  checkOptions,
  checkLoadOptions,
  checkGuestOptions,
  checkCallOptions,
  checkSize,
  checkLayerId,
  checkName,
  checkFunctionName,
  checkGenerateOptions,
  checkPrompt,
  checkPrompts,
  checkTokens,
  checkMessages,
  checkText,
  checkFlag,
  checkPooling,
  checkContextLength,
  checkPlanOptions,
  checkWatchers,
  checkPath,
};
