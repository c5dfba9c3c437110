'use strict';

require('./dispose.js');
const { call } = require('./call.js');
const {
  checkGenerateOptions,
  checkMessages,
  checkOptions,
  checkPath,
  checkPrompt,
  checkTokens,
  checkWatchers,
} = require('./check.js');
const { ClosedError } = require('./errors.js');
const { Generation } = require('./generation.js');

/** Tokens that a model has seen, with what it keeps of them. */
class Session {
  #native;
  #description;
  #run;
  #closing;

  /** `run(start, options)` is the model's: a session works for as long as its model is open. */
  constructor(nativeSession, description, run) {
    this.#native = nativeSession;
    this.#description = description;
    this.#run = run;
  }

  get contextLength() {
    return this.#description.contextLength;
  }

  get memoryBytes() {
    return this.#description.memoryBytes;
  }

  generate(prompt, options = {}) {
    return this.#generation({ prompt: checkPrompt('prompt', prompt) }, options);
  }

  chat(messages, options = {}) {
    return this.#generation({ messages: checkMessages(messages) }, options);
  }

  async tokens() {
    return await this.#ask(() => this.#native.tokens());
  }

  async logits(tokens, options = {}) {
    const list = checkTokens('tokens', tokens);
    const { signal } = checkOptions(options);
    const values = await this.#ask((token) => this.#native.logits(list, token), { signal });
    const all = new Float32Array(values);
    const width = all.length / list.length;
    return list.map((_, index) => all.subarray(index * width, (index + 1) * width));
  }

  async save(file) {
    const path = checkPath('file', file);
    await this.#ask((token) => this.#native.save(path, token));
  }

  async restore(file) {
    const path = checkPath('file', file);
    await this.#ask((token) => this.#native.restore(path, token));
  }

  async clear() {
    await this.#ask(() => this.#native.clear());
  }

  close() {
    this.#closing ??= call(() => this.#native.close());
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  #generation(what, options) {
    const watchers = checkWatchers(options);
    const request = { ...what, ...checkGenerateOptions(options) };
    const open = (token) => this.#native.openGeneration(request, token);
    return new Generation(open, (...args) => this.#ask(...args), watchers);
  }

  async #ask(start, options) {
    if (this.#closing) {
      throw new ClosedError('the session is closed; make another by model.session');
    }
    return await this.#run(start, options);
  }
}

module.exports = { Session };
