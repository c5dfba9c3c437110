'use strict';

const { nativeSteps } = require('./native-steps.js');
const { nothingUsed } = require('./usage.js');

/** Text that a model is making, piece by piece. It begins when the first piece is asked for. */
class Generation {
  #pieces;
  #leaving = new AbortController();
  #usage = nothingUsed;
  #finishReason = null;
  #logprobs = [];

  /** `open(token)` is the addon's, `run(start, options)` the model's or the session's. */
  constructor(open, run, { signal, onStats }) {
    this.#pieces = this.#generate(nativeSteps(open, run, signal, this.#leaving), onStats);
  }

  get usage() {
    return this.#usage;
  }

  get finishReason() {
    return this.#finishReason;
  }

  get logprobs() {
    return this.#logprobs;
  }

  next() {
    return this.#pieces.next();
  }

  /** Ends it, as leaving a `for await` loop does; a piece on its way is not waited for. */
  async return() {
    this.#leaving.abort();
    await this.#pieces.return().catch(() => {});
    this.#finishReason ??= 'closed';
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [Symbol.asyncDispose]() {
    await this.return();
  }

  /** All of it as one string. */
  async text() {
    let text = '';
    for await (const piece of this) text += piece;
    return text;
  }

  async *#generate(steps, onStats) {
    try {
      for await (const step of steps) {
        this.#usage = Object.freeze({ ...step.usage });
        this.#finishReason = step.finishReason;
        this.#logprobs.push(...step.logprobs);
        if (step.stats) onStats?.(step.stats);
        if (step.piece === null) return;
        yield step.piece;
      }
    } catch (error) {
      this.#finishReason ??= this.#leaving.signal.aborted ? 'closed' : 'error';
      throw error;
    }
  }
}

module.exports = { Generation };
