'use strict';

const { setImmediate: turn } = require('node:timers/promises');

/** So many values become JavaScript's in one turn of the event loop, in about a millisecond. */
const PART_LENGTH = 4096;

/** A metadata array too long to be handed over unasked, a vocabulary for example. */
class MetadataArray {
  #read;

  constructor({ type, length }, read) {
    this.type = type;
    this.length = length;
    this.#read = read;
    Object.freeze(this);
  }

  async read(options) {
    const values = [];
    while (values.length < this.length) {
      const start = values.length;
      // Not by itself: Node passes on in the same turn what is answered while it passes on.
      if (start > 0) await turn();
      const stop = Math.min(start + PART_LENGTH, this.length);
      values.push(...(await this.#read({ start, stop }, options)));
    }
    return values;
  }
}

/**
 * The metadata as a plain object. `read({ key, start, stop }, options)` is how a long array gets its
 * values.
 * Keys come from a file: one named "__proto__" is a key like any other.
 */
function metadataFrom(description, read) {
  const entries = Object.entries(description).map(([key, value]) => {
    if (Array.isArray(value)) return [key, Object.freeze(Array.from(value))];
    if (typeof value !== 'object') return [key, value];
    return [key, new MetadataArray(value, (part, options) => read({ key, ...part }, options))];
  });
  return Object.freeze(Object.fromEntries(entries));
}

module.exports = { MetadataArray, metadataFrom };
