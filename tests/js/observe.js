'use strict';

// Prints what a program sees of a model's bytes while it overwrites whatever it gets, in the main
// thread and in a worker, as JSON:
//   node tests/js/observe.js MODEL TENSOR...

const { createHash } = require('node:crypto');
const { once } = require('node:events');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');

const { loadModel } = require('../../native.js');

const [path, ...names] = process.argv.slice(2);

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function hashesOf(layer) {
  return Object.fromEntries(Array.from(layer, ({ name, data }) => [name, sha256(data)]));
}

function overwrite(layer) {
  for (const { data } of layer) data.fill(0xff);
}

async function observeLayers(model) {
  const held = [await model.getLayer(0), await model.getLayer(1)];
  const again = await model.getLayer(0);
  const read = [...held, again].map(hashesOf);
  held.forEach(overwrite);
  const overwritten = [hashesOf(again), hashesOf(await model.getLayer(0))];
  await model.clearCache();
  const reloaded = [hashesOf(await model.getLayer(0)), hashesOf(await model.getLayer(1))];
  const [ours, theirs] = [held[0], again].map(([tensor]) => tensor.data.buffer);
  return { shared: ours === theirs, read, overwritten, reloaded };
}

async function observeValues(model) {
  const seen = [];
  for (const name of names) {
    const values = await model.loadTensor(name);
    const before = sha256(values);
    values.fill(0);
    seen.push([name, before, sha256(await model.loadTensor(name))]);
  }
  return seen;
}

async function observe() {
  const model = await loadModel(path, { memory64: true });
  const layers = await observeLayers(model);
  const values = await observeValues(model);
  await model.close();
  return { layers, values };
}

async function observeInBoth() {
  const here = await observe();
  const [worker] = await once(new Worker(__filename, { argv: process.argv.slice(2) }), 'message');
  console.log(JSON.stringify({ 'the main thread': here, 'a worker': worker }));
}

if (isMainThread) observeInBoth();
else observe().then((seen) => parentPort.postMessage(seen));
