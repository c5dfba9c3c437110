'use strict';

// Runs the steps named on the command line, in a process of its own, and leaves the rest to Node:
//   node tests/js/steps.js MODEL load layer exit
// Prints what each step gave, one JSON value a line.

const { setImmediate: turn } = require('node:timers/promises');

const { loadModel } = require('../../native.js');

const [path, ...names] = process.argv.slice(2);
let model;
let held;

const steps = {
  async load() {
    model = await loadModel(path, { memory64: true });
    return model.layerCount;
  },
  async layer() {
    held = await model.getLayer(0);
    return held.tensor('attn_norm.weight').data.length;
  },
  startLoad() {
    loadModel(path).catch(() => {});
  },
  startPreload() {
    model.preloadAllLayers().catch(() => {});
  },
  async tickWhileLoading() {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    await loadModel(path);
    clearInterval(timer);
    return ticks > 0;
  },
  async fail() {
    return (await loadModel(path).catch((error) => error)).message;
  },
  turn: () => turn(),
  close: () => model.close(),
  exit() {
    process.exit(7);
  },
  throw() {
    throw new Error('uncaught');
  },
};

async function run() {
  for (const name of names) {
    const result = await steps[name]();
    if (result !== undefined) console.log(JSON.stringify(result));
  }
}

run().catch((error) => {
  // Out of the promise, so that it ends the process as an error thrown by a program does.
  setImmediate(() => {
    throw error;
  });
});
