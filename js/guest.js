'use strict';

require('./dispose.js');
const { call } = require('./call.js');
const {
  checkBytes,
  checkCallOptions,
  checkFunctionName,
  checkOptions,
  checkSize,
} = require('./check.js');
const { ClosedError, GuestError } = require('./errors.js');
const { checkArguments, checkResults, resultOf, typesOf } = require('./guest-values.js');

/** WebAssembly over a model. */
class Guest {
  #native;
  #exports;
  #types; // of the functions, by name
  #run;
  #last = Promise.resolve(); // settles with the latest operation
  #closing;

  /** `run(start, options)` is the model's: a guest works for as long as its model is open. */
  constructor(nativeGuest, { exports }, run) {
    this.#native = nativeGuest;
    this.#exports = Object.freeze({ ...exports });
    this.#types = new Map(Object.entries(exports).map(([name, text]) => [name, typesOf(text)]));
    this.#run = run;
  }

  get exports() {
    return this.#exports;
  }

  async call(name, ...args) {
    const types = this.#typesOf(name);
    const hasOptions = typeof args.at(-1) === 'object' && args.at(-1) !== null;
    const { signal, timeoutMs } = checkCallOptions(hasOptions ? args.pop() : {});
    const request = { name, args: checkArguments(name, types, args), timeoutMs };
    checkResults(name, types);
    const values = await this.#inTurn((token) => this.#native.call(request, token), signal);
    return resultOf(types, values);
  }

  async read(pointer, size, options = {}) {
    const { signal } = checkOptions(options);
    const range = { pointer: checkSize('pointer', pointer), size: checkSize('size', size) };
    return new Uint8Array(await this.#inTurn((token) => this.#native.read(range, token), signal));
  }

  async write(pointer, data, options = {}) {
    const { signal } = checkOptions(options);
    const bytes = checkBytes('data', data).slice(); // the caller's may change before its turn
    const content = { pointer: checkSize('pointer', pointer), bytes };
    await this.#inTurn((token) => this.#native.write(content, token), signal);
  }

  async memoryBytes() {
    return await this.#inTurn(() => this.#native.memoryBytes());
  }

  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  #typesOf(name) {
    checkFunctionName(name);
    const types = this.#types.get(name);
    if (types) return types;
    const known = [...this.#types.keys()].join(', ') || 'none';
    throw new GuestError(`the guest exports no function ${JSON.stringify(name)}, it has ${known}`);
  }

  /** A guest does one thing at a time. What waits for its turn takes none of the pool's threads. */
  #inTurn(start, signal) {
    if (this.#closing) throw new ClosedError('the guest is closed; make another by model.guest');
    const startInTurn = (token) => {
      const turn = this.#last.then(() => (signal?.aborted ? undefined : start(token)));
      this.#last = turn.catch(() => {});
      return turn;
    };
    return this.#run(startInTurn, { signal });
  }

  async #close() {
    await this.#last;
    await call(() => this.#native.close());
  }
}

module.exports = { Guest };
