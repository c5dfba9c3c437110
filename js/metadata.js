'use strict';

/** A metadata array too long to be handed over unasked, a vocabulary for example. */
class MetadataArray {
  #read;

  constructor({ type, length }, read) {
    this.type = type;
    this.length = length;
    this.#read = read;
    Object.freeze(this);
  }

  read(options) {
    return this.#read(options);
  }
}

/**
 * The metadata as a plain object. `read(key, options)` is how a long array gets its values.
 * Keys come from a file: one named "__proto__" is a key like any other.
 */
function metadataFrom(description, read) {
  const entries = Object.entries(description).map(([key, value]) => {
    if (Array.isArray(value)) return [key, Object.freeze(Array.from(value))];
    if (typeof value !== 'object') return [key, value];
    return [key, new MetadataArray(value, (options) => read(key, options))];
  });
  return Object.freeze(Object.fromEntries(entries));
}

module.exports = { MetadataArray, metadataFrom };
