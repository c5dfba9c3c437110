'use strict';

require('./dispose.js');
const native = require('./binding.js');
const { GenerationBatch } = require('./batch.js');
const { call } = require('./call.js');
const {
  checkContextLength,
  checkFlag,
  checkGenerateOptions,
  checkGuestOptions,
  checkLayerId,
  checkLoadOptions,
  checkMessages,
  checkName,
  checkOptions,
  checkPlanOptions,
  checkPooling,
  checkPrompt,
  checkPrompts,
  checkSource,
  checkText,
  checkTokens,
  checkWasm,
  checkWatchers,
} = require('./check.js');
const { ClosedError } = require('./errors.js');
const { Generation } = require('./generation.js');
const { Guest } = require('./guest.js');
const { Layer } = require('./layer.js');
const { metadataFrom } = require('./metadata.js');
const { Session } = require('./session.js');

class Model {
  #native;
  #description;
  #metadata;
  #tensors;
  #layers = new Map(); // layer id -> its entries of #tensors
  #running = new Set();
  #closing;

  constructor(nativeModel, description) {
    this.#native = nativeModel;
    this.#description = description;
    this.#metadata = metadataFrom(description.metadata, (part, options) =>
      this.#readMetadata(part, options),
    );
    this.#tensors = Object.freeze(Array.from(description.tensors, frozenInfo));
    for (const info of this.#tensors) {
      if (info.layer === null) continue;
      if (!this.#layers.has(info.layer)) this.#layers.set(info.layer, []);
      this.#layers.get(info.layer).push(info);
    }
  }

  get source() {
    return this.#description.source;
  }

  get architecture() {
    return this.#description.architecture;
  }

  get layerCount() {
    return this.#description.layerCount;
  }

  get sizeBytes() {
    return this.#description.sizeBytes;
  }

  get memory64() {
    return this.#description.memory64;
  }

  get metadata() {
    return this.#metadata;
  }

  get tensors() {
    return this.#tensors;
  }

  async getLayer(layerId, options = {}) {
    const id = checkLayerId(layerId, this.layerCount);
    const { signal } = checkOptions(options);
    const runs = await this.#run((token) => this.#native.getLayer(id, token), { signal });
    return this.#layer(id, runs);
  }

  async loadTensor(name, options = {}) {
    checkName(name);
    const { signal } = checkOptions(options);
    const values = await this.#run((token) => this.#native.loadTensor(name, token), { signal });
    return new Float32Array(values);
  }

  async preloadAllLayers(options = {}) {
    const { signal, onProgress } = checkOptions(options);
    const preload = (token, report) => this.#native.preloadAllLayers(token, report);
    await this.#run(preload, { signal, onProgress });
  }

  async guest(wasm, options = {}) {
    const content = checkWasm(wasm);
    const { signal } = checkOptions(options);
    const settings = checkGuestOptions(options);
    const open = (token) => this.#native.openGuest({ wasm: content, ...settings }, token);
    const { native: nativeGuest, description } = await this.#run(open, {
      signal,
      discard: closeQuietly,
    });
    return new Guest(nativeGuest, description, (...args) => this.#run(...args));
  }

  generate(prompt, options = {}) {
    return this.#generation({ prompt: checkPrompt('prompt', prompt) }, options);
  }

  generateBatch(prompts, options = {}) {
    const list = checkPrompts(prompts);
    const watchers = checkWatchers(options);
    const request = { prompts: list, ...checkGenerateOptions(options) };
    const open = (token) => this.#native.openGeneration(request, token);
    return new GenerationBatch(list.length, open, (...args) => this.#run(...args), watchers);
  }

  chat(messages, options = {}) {
    return this.#generation({ messages: checkMessages(messages) }, options);
  }

  async session(options = {}) {
    const { signal } = checkOptions(options);
    const settings = checkContextLength(options.contextLength);
    const open = (token) => this.#native.openSession(settings, token);
    const { native: nativeSession, description } = await this.#run(open, {
      signal,
      discard: closeQuietly,
    });
    return new Session(nativeSession, description, (...args) => this.#run(...args));
  }

  async sessionBytes(options = {}) {
    checkOptions(options);
    const settings = checkContextLength(options.contextLength);
    return await this.#run((token) => this.#native.sessionBytes(settings, token));
  }

  async tokenize(text, options = {}) {
    checkOptions(options);
    const { addSpecial, parseSpecial } = options;
    const request = {
      text: checkText(text),
      addSpecial: checkFlag('addSpecial', addSpecial),
      parseSpecial: checkFlag('parseSpecial', parseSpecial),
    };
    return await this.#run((token) => this.#native.tokenize(request, token));
  }

  async detokenize(tokens) {
    const list = checkTokens('tokens', tokens);
    return await this.#run((token) => this.#native.detokenize(list, token));
  }

  async embed(text, options = {}) {
    const { signal } = checkOptions(options);
    const request = {
      text: checkPrompt('text', text),
      pooling: checkPooling(options.pooling),
    };
    const values = await this.#run((token) => this.#native.embed(request, token), { signal });
    return new Float32Array(values);
  }

  async cacheStats() {
    return { ...(await this.#run(() => this.#native.cacheStats())) };
  }

  async streamStats() {
    const stats = await this.#run(() => this.#native.streamStats());
    return stats && { ...stats };
  }

  async plan(options = {}) {
    const { signal } = checkOptions(options);
    const settings = checkPlanOptions(options);
    return await this.#run((token) => this.#native.plan(settings, token), { signal });
  }

  async clearCache() {
    await this.#run(() => this.#native.clearCache());
  }

  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** While the caller works with a layer, those after it are already on their way. */
  async *[Symbol.asyncIterator]() {
    const { native: walk } = await this.#run((token) => this.#native.openWalk(null, token));
    try {
      for (;;) {
        const next = await this.#run((token) => walk.next(null, token));
        if (next === null) return;
        yield this.#layer(next.id, next.runs);
      }
    } finally {
      await call(() => walk.close());
    }
  }

  #layer(id, runs) {
    const infos = this.#layers.get(id) ?? [];
    return new Layer(id, infos, runs, (...args) => this.loadTensor(...args));
  }

  #generation(what, options) {
    const watchers = checkWatchers(options);
    const request = { ...what, ...checkGenerateOptions(options) };
    const open = (token) => this.#native.openGeneration(request, token);
    return new Generation(open, (...args) => this.#run(...args), watchers);
  }

  #readMetadata(part, options = {}) {
    const { signal } = checkOptions(options);
    return this.#run((token) => this.#native.readMetadata(part, token), { signal });
  }

  async #run(start, options) {
    if (this.#closing) {
      throw new ClosedError(`${this.source} is closed; load it again with loadModel`);
    }
    const running = call(start, options);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #close() {
    await Promise.allSettled(this.#running);
    await call(() => this.#native.close());
  }
}

function frozenInfo(info) {
  return Object.freeze({ ...info, shape: Object.freeze(Array.from(info.shape)) });
}

async function loadModel(source, options = {}) {
  const path = checkSource(source);
  const { signal, onProgress } = checkOptions(options);
  const settings = checkLoadOptions(options);
  const { native: nativeModel, description } = await call(
    (token, report) => native.loadModel(path, settings, token, report),
    { signal, onProgress, discard: closeQuietly },
  );
  return new Model(nativeModel, description);
}

/** Nobody waits for this model or guest any more, nor for an error of its closing. */
function closeQuietly({ native: opened }) {
  opened.close().catch(() => {});
}

module.exports = { Model, loadModel };
