'use strict';

const fs = require('node:fs');
const { setImmediate: turn, setTimeout: wait } = require('node:timers/promises');

const { loadModel } = require('../../../native.js');
const { digest } = require('../digest.js');

/** What tests have the addon do in processes and threads that they then end. */
class Steps {
  #path;
  #tell;
  #model;
  #id = 0;
  #started;
  #caught = [];

  constructor(path, tell) {
    this.#path = path;
    this.#tell = tell;
  }

  async load() {
    this.#model = await loadModel(this.#path, { memory64: true, maxCached: 2 });
    return this.#model.layerCount;
  }

  async layer() {
    const layer = await this.#model.getLayer(0);
    return layer.tensor('attn_norm.weight').data.length;
  }

  async digest(id) {
    return digest(await this.#model.getLayer(Number(id)));
  }

  /** Begins a call and goes on. */
  start(call) {
    this.#started = this.#call(call).then(() => call);
    this.#started.catch(() => {});
  }

  /** What the call that was started comes to. */
  answer() {
    return this.#started;
  }

  /** Begins a call and goes on; it is told when it has ended. */
  leave(call) {
    this.#call(call).then(() => this.#tell(call));
  }

  /** Makes a call over and over again, so that there always is one under way. */
  async keep(call) {
    await this.#call(call);
    this.#repeat(call);
    return call;
  }

  /** The same until Ctrl-C, which aborts it; gives why the call under way then ended. */
  async keepUntilInterrupted(call) {
    const controller = new AbortController();
    process.once('SIGINT', () => {
      this.#tell('interrupted');
      controller.abort('aborted');
    });
    await this.#call(call);
    this.#tell(call);
    return this.#repeat(call, controller).catch((reason) => reason);
  }

  async #repeat(call, options) {
    for (;;) await this.#call(call, options);
  }

  async #call(name, { signal } = {}) {
    const model = this.#model;
    switch (name) {
      case 'load':
        return (await loadModel(this.#path, { memory64: false, signal })).close();
      case 'layer':
        this.#id = (this.#id + 1) % model.layerCount;
        return model.getLayer(this.#id, { signal });
      case 'preload':
        await model.preloadAllLayers({ signal });
        return model.clearCache();
      case 'tensor':
        return model.loadTensor('token_embd.weight', { signal });
      case 'generate':
        return model.generate('Once upon a time', { maxTokens: 6, signal }).text();
      case 'chat':
        return this.#chat({ maxTokens: 6, signal });
      default:
        throw new Error(`no such call: ${name}`);
    }
  }

  /** Answers in a session, a piece at a time; there may be none. */
  async #chat(options) {
    const session = await this.#model.session({ contextLength: 128 });
    try {
      for await (const piece of session.chat([{ role: 'user', content: 'Hello' }], options)) {
        if (piece === '') throw new Error('an empty piece');
      }
    } finally {
      await session.close();
    }
  }

  async fail() {
    return (await loadModel(this.#path).catch((error) => error)).message;
  }

  /** Awaits nothing of a load that fails. */
  leaveFailing() {
    loadModel(`${this.#path}.nix`);
  }

  survive() {
    process.on('uncaughtException', (error) => this.#caught.push(error.message));
  }

  /** Waits for so many errors that nobody catches. */
  async caught(count) {
    while (this.#caught.length < Number(count)) await turn();
    return this.#caught;
  }

  throwInProgress() {
    const onProgress = () => {
      throw new Error('thrown in onProgress');
    };
    this.#model.preloadAllLayers({ onProgress });
  }

  /** Gives why the call ended. */
  throwInListener() {
    const controller = new AbortController();
    const { signal } = controller;
    signal.addEventListener('abort', () => {
      throw new Error('thrown in a listener');
    });
    const onProgress = () => controller.abort('aborted');
    return this.#model.preloadAllLayers({ signal, onProgress }).catch((reason) => reason);
  }

  /** Out of the promise, so that it ends the process as an error thrown by a program does. */
  throw() {
    setImmediate(() => {
      throw new Error('thrown by the program');
    });
  }

  reject() {
    Promise.reject(new Error('rejected by the program'));
  }

  raw() {
    process.stdin.setRawMode(true);
  }

  ready() {
    return 'ready';
  }

  turn() {
    return turn();
  }

  wait(milliseconds) {
    return wait(Number(milliseconds));
  }

  /** Makes a file that Python waits for. */
  touch(file) {
    fs.writeFileSync(file, '');
  }

  /** Waits for a file that Python makes. */
  async appear(file) {
    while (!fs.existsSync(file)) await wait(1);
  }

  close() {
    return this.#model.close();
  }

  exit() {
    process.exit(7);
  }
}

/** Does the steps, each "name" or "name:argument", and tells what they gave. */
async function runSteps(path, steps, tell) {
  const program = new Steps(path, tell);
  for (const step of steps) {
    const [name, argument] = step.split(':');
    const result = await program[name](argument);
    if (result !== undefined) tell(result);
  }
}

module.exports = { runSteps };
