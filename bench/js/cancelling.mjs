// PATH CALL MS: seconds from abort(), MS after CALL was made, until its work in Python is over.
import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { loadModel } from '../../native.mjs';

const PATIENCE_MS = 10_000;

const [path, name, ms] = process.argv.slice(2);
const file = realpathSync(path);

const controller = new AbortController();
const { signal } = controller;

const model = await loadModel(path);
const calls = {
  getLayer: () => model.getLayer(0, { signal }),
  preloadAllLayers: () => model.preloadAllLayers({ signal }),
  loadTensor: () => model.loadTensor(largestTensor(), { signal }),
  loadModel: () => loadModel(path, { memory64: false, signal }),
};

function largestTensor() {
  return model.tensors.reduce((a, b) => (b.nbytes > a.nbytes ? b : a)).name;
}

function isMapped() {
  return readFileSync('/proc/self/maps', 'utf8').includes(file);
}

async function untilUnmapped() {
  const giveUp = performance.now() + PATIENCE_MS;
  while (isMapped()) {
    assert(performance.now() < giveUp, 'the work goes on, or what it mapped is not given back');
    await setImmediate();
  }
}

if (name === 'loadModel') {
  // It was opened only to start Python.
  await model.close();
  assert(!isMapped());
}
// A call that is over too early to be aborted is an error here.
const rejected = assert.rejects(calls[name](), { name: 'AbortError' });
await sleep(Number(ms));
assert(isMapped());
const aborted = performance.now();
controller.abort();
await (name === 'loadModel' ? untilUnmapped() : model.close());
const seconds = (performance.now() - aborted) / 1000;
await rejected;
console.log(JSON.stringify({ seconds }));
