'use strict';

const { call } = require('./call.js');

/** Text that a model is making, piece by piece. It begins when the first piece is asked for. */
class Generation {
  #pieces;
  #leaving = new AbortController();
  #usage = Object.freeze({
    promptTokens: 0,
    cachedTokens: 0,
    tokens: 0,
    firstTokenMs: 0,
    tokensPerSecond: 0,
  });
  #finishReason = null;
  #logprobs = [];

  /** `open(token)` is the addon's, `run(start, options)` the model's or the session's. */
  constructor(open, run, signal) {
    this.#pieces = this.#generate(open, run, signal);
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

  async *#generate(open, run, signal) {
    signal?.throwIfAborted();
    const onAbort = () => this.#leaving.abort(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      yield* this.#piecesOf(open, run, { signal: this.#leaving.signal });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async *#piecesOf(open, run, options) {
    const { native } = await run(open, { ...options, discard: closeQuietly });
    try {
      for (;;) {
        const step = await run((token) => native.next(null, token), options);
        this.#usage = Object.freeze({ ...step.usage });
        this.#finishReason = step.finishReason;
        this.#logprobs.push(...step.logprobs);
        if (step.piece === null) return;
        yield step.piece;
      }
    } finally {
      await call(() => native.close());
    }
  }
}

function closeQuietly({ native }) {
  native.close().catch(() => {});
}

module.exports = { Generation };
