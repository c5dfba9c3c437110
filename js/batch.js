'use strict';

const { nativeSteps } = require('./native-steps.js');
const { nothingUsed } = require('./usage.js');

/** Texts that a model is making of several prompts at once, as their pieces come. */
class GenerationBatch {
  #pieces;
  #leaving = new AbortController();
  #results;

  /** `open(token)` is the addon's, `run(start, options)` the model's. */
  constructor(count, open, run, { signal, onStats }) {
    this.#results = Array.from({ length: count }, () => ({
      text: '',
      usage: nothingUsed,
      finishReason: null,
      logprobs: [],
    }));
    this.#pieces = this.#generate(nativeSteps(open, run, signal, this.#leaving), onStats);
  }

  get results() {
    return this.#results;
  }

  next() {
    return this.#pieces.next();
  }

  /** Ends it, as leaving a `for await` loop does; a step on its way is not waited for. */
  async return() {
    this.#leaving.abort();
    await this.#pieces.return().catch(() => {});
    this.#end('closed');
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [Symbol.asyncDispose]() {
    await this.return();
  }

  /** All of them, each as one string. */
  async texts() {
    let step;
    do step = await this.next();
    while (!step.done);
    return this.#results.map(({ text }) => text);
  }

  async *#generate(steps, onStats) {
    try {
      for await (const { pieces, results, stats } of steps) {
        this.#take(pieces, results);
        if (stats) onStats?.(stats);
        if (pieces.length === 0) return;
        for (const { index, piece } of pieces) yield { index, piece };
      }
    } catch (error) {
      this.#end(this.#leaving.signal.aborted ? 'closed' : 'error');
      throw error;
    }
  }

  #take(pieces, results) {
    for (const { index, piece } of pieces) this.#results[index].text += piece;
    for (const { index, usage, finishReason, logprobs } of results) {
      const result = this.#results[index];
      Object.assign(result, { usage: Object.freeze({ ...usage }), finishReason });
      result.logprobs.push(...logprobs);
    }
  }

  #end(reason) {
    for (const result of this.#results) result.finishReason ??= reason;
  }
}

module.exports = { GenerationBatch };
