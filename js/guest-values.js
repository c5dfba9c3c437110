'use strict';

const { inspect } = require('node:util');
const { GuestError, outOfRange, wrongType } = require('./errors.js');

/** The least and the greatest of each type of integer, signed or unsigned. */
const RANGES = {
  i32: [-(2n ** 31n), 2n ** 32n - 1n],
  i64: [-(2n ** 63n), 2n ** 64n - 1n],
};
const FLOATS = ['f32', 'f64'];

/** The types in a signature such as `(i32, i64) -> f32`. */
function typesOf(signature) {
  const [params, results] = signature.split(' -> ').map((list) =>
    list
      .replace(/^\((.*)\)$/, '$1')
      .split(', ')
      .filter(Boolean),
  );
  return { params, results };
}

/** The arguments of a call, as Python takes them. */
function checkArguments(name, { params }, given) {
  if (given.length !== params.length) {
    const wanted = params.join(', ') || 'none';
    throw wrongType(
      `${name} takes ${params.length} arguments (${wanted}), got ${given.length}: ${inspect(given)}`,
    );
  }
  return params.map((type, index) =>
    checkArgument(`${name}, argument ${index}`, type, given[index]),
  );
}

/** What a call gives: nothing, a value, or an array of several. An i64 is always a BigInt. */
function resultOf({ results }, values) {
  const converted = results.map((type, index) =>
    type === 'i64' ? BigInt(values[index]) : values[index],
  );
  return converted.length > 1 ? converted : converted[0];
}

/** Throws unless each result is a number that JavaScript has. */
function checkResults(name, { results }) {
  const strange = results.find((type) => !(type in RANGES || FLOATS.includes(type)));
  if (strange) throw new GuestError(`${name} gives a ${strange}, which JavaScript cannot take`);
}

function checkArgument(what, type, value) {
  if (type in RANGES) return checkInteger(what, type, value);
  if (!FLOATS.includes(type)) throw wrongType(`${what} is a ${type}, which cannot be given`);
  if (typeof value !== 'number') throw wrongType(`${what} must be a number, got ${inspect(value)}`);
  return value;
}

function checkInteger(what, type, value) {
  const wanted = type === 'i64' ? 'a BigInt or a whole number' : 'a whole number';
  if (typeof value !== 'number' && !(type === 'i64' && typeof value === 'bigint')) {
    throw wrongType(`${what} must be ${wanted}, got ${inspect(value)}`);
  }
  const [least, greatest] = RANGES[type];
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < least || value > greatest) {
    throw outOfRange(
      `${what} must be ${wanted} from ${least} to ${greatest}, got ${inspect(value)}`,
    );
  }
  return BigInt(value);
}

module.exports = { typesOf, checkArguments, checkResults, resultOf };
