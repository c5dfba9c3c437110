'use strict';

require('./dispose.js');
const { checkName } = require('./check.js');
const { ClosedError, TensorNotFoundError } = require('./errors.js');

/** One tensor of a layer: the file's own bytes, without a copy. */
class Tensor {
  #info;
  #run;
  #dequantize;
  #data;

  constructor(info, run, dequantize) {
    this.#info = info;
    this.#run = run;
    this.#dequantize = dequantize;
  }

  get name() {
    return this.#info.name;
  }

  get shape() {
    return this.#info.shape;
  }

  get quantType() {
    return this.#info.quantType;
  }

  get data() {
    const { data, offset } = this.#run;
    this.#data ??= new Uint8Array(data, this.#info.offset - offset, this.#info.nbytes);
    return this.#data;
  }

  dequantize(options) {
    return this.#dequantize(options);
  }
}

/** A layer that is resident: its tensors, in the file's order. */
class Layer {
  #id;
  #infos;
  #runs; // undefined once closed
  #dequantize;
  #tensors; // by whole name, made when first asked for

  /**
   * `infos` are the layer's entries of the tensor directory, `runs` its bytes as `{ offset, data }`,
   * and `dequantize(name, options)` gives a tensor's values.
   */
  constructor(id, infos, runs, dequantize) {
    this.#id = id;
    this.#infos = infos;
    this.#runs = runs;
    this.#dequantize = dequantize;
  }

  get id() {
    return this.#id;
  }

  /** Takes "blk.3.attn_q.weight" as well as "attn_q.weight". */
  tensor(name) {
    checkName(name);
    const tensors = this.#open();
    const found = tensors.get(name) ?? tensors.get(`blk.${this.#id}.${name}`);
    if (found) return found;
    throw new TensorNotFoundError(
      `layer ${this.#id} has no tensor ${JSON.stringify(name)}, it has ${[...tensors.keys()].join(', ')}`,
    );
  }

  [Symbol.iterator]() {
    return this.#open().values();
  }

  /** Lets go of the bytes; those who hold a `data` of it keep theirs. */
  close() {
    this.#runs = undefined;
    this.#tensors = undefined;
  }

  [Symbol.dispose]() {
    this.close();
  }

  #open() {
    if (!this.#runs) throw new ClosedError(`layer ${this.#id} is closed; ask the model again`);
    this.#tensors ??= new Map(this.#infos.map((info) => [info.name, this.#tensorOf(info)]));
    return this.#tensors;
  }

  #tensorOf(info) {
    const run = this.#runs.find(
      ({ offset, data }) =>
        offset <= info.offset && info.offset + info.nbytes <= offset + data.byteLength,
    );
    const dequantize = this.#dequantize;
    return new Tensor(info, run, (options) => dequantize(info.name, options));
  }
}

module.exports = { Layer, Tensor };
