'use strict';

// Plays rounds of one kind and prints by how much the process grew in each:
//   node --expose-gc tests/js/children/leak.js MODEL KIND ROUNDS

const { once } = require('node:events');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const { loadModel } = require('../../../native.js');
const { growth } = require('./growth.js');

const PAGE = 4096;
const PROMPT = [1, 2, 3];

/** Reads every page and makes one a page of this process's own. */
function touch(layer) {
  for (const { data } of layer) {
    for (let at = 0; at < data.length; at += PAGE) data[0] ^= data[at];
  }
}

function open(path) {
  return loadModel(path, { memory64: true });
}

async function abort(call) {
  const controller = new AbortController();
  const calling = call(controller.signal);
  controller.abort('aborted');
  const outcome = await calling.catch((reason) => reason);
  if (outcome !== 'aborted') throw new Error('it was not aborted');
}

/** Each makes what a round needs beforehand, and gives the round. */
const kinds = {
  models: (path) => async (index) => {
    const model = await open(path);
    touch(await model.getLayer(index % model.layerCount));
    await model.close();
  },

  'dropped models': (path) => async (index) => {
    const model = await open(path);
    touch(await model.getLayer(index % model.layerCount));
    if (index % 20 === 0) globalThis.gc(); // nothing else here makes V8 look for garbage
  },

  async layers(path) {
    const model = await open(path);
    return async (index) => {
      touch(await model.getLayer(index % model.layerCount));
      await model.clearCache();
    };
  },

  async tensors(path) {
    const model = await open(path);
    return (index) => model.loadTensor(`blk.${index % model.layerCount}.attn_norm.weight`);
  },

  failures: (path) => async (index) => {
    const wrong = index % 2 ? __filename : `${path}.nix`;
    const { code } = await loadModel(wrong).catch((error) => error);
    if (!code) throw new Error('it did not fail');
  },

  async 'aborted calls'(path) {
    const model = await open(path);
    const calls = [
      (signal) => model.getLayer(0, { signal }),
      (signal) => model.loadTensor('blk.0.attn_norm.weight', { signal }),
      (signal) => model.preloadAllLayers({ signal, onProgress() {} }),
    ];
    return async (index) => {
      await abort(calls[index % calls.length]);
      await model.cacheStats(); // so that the calls do not pile up
    };
  },

  'aborted loads': (path) => async () => {
    await abort((signal) => loadModel(path, { memory64: true, signal, onProgress() {} }));
    await (await open(path)).close(); // so that the loads do not pile up
  },

  'models that generate': (path) => async () => {
    const model = await open(path);
    await model.generate(PROMPT, { maxTokens: 2 }).text();
    await model.close();
  },

  async sessions(path) {
    const model = await open(path);
    return async (index) => {
      const session = await model.session({ contextLength: 64 });
      await session.generate([index % 100, ...PROMPT], { maxTokens: 2, logprobs: 2 }).text();
      await session.close();
    };
  },

  async 'aborted generations'(path) {
    const model = await open(path);
    return async () => {
      await abort((signal) => model.generate(PROMPT, { signal }).next());
      for await (const piece of model.generate(PROMPT)) if (piece) break;
    };
  },

  workers: (path) => () => playInWorker({ path }),

  'workers that generate': (path) => () => playInWorker({ path, generates: true }),
};

async function playInWorker(about) {
  const worker = new Worker(__filename, { workerData: about });
  await once(worker, 'message');
  await worker.terminate();
}

async function work({ path, generates }) {
  const model = await open(path);
  touch(await model.getLayer(0));
  model.preloadAllLayers().catch(() => {});
  if (generates) {
    const generation = model.generate(PROMPT);
    await generation.next();
    generation.text().catch(() => {});
  }
  parentPort.postMessage('working');
}

async function play([path, kind, rounds]) {
  const round = await kinds[kind](path);
  console.log(JSON.stringify(await growth(Number(rounds), round)));
}

if (isMainThread) play(process.argv.slice(2));
else work(workerData);
