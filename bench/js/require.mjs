// PATH: seconds that each step takes before a program can do anything, PATH being a small model.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const path = process.argv[2];
const seconds = {};

async function step(name, work) {
  const started = performance.now();
  const result = await work();
  seconds[name] = (performance.now() - started) / 1000;
  return result;
}

const { loadModel } = await step("require('./native')", () =>
  createRequire(import.meta.url)('../../native.js'),
);
const first = await step('the first loadModel of a small model, which starts Python', () =>
  loadModel(path, { memory64: true }),
);
const second = await step('the second one', () => loadModel(path, { memory64: true }));
console.log(JSON.stringify(seconds));
await first.close();
await second.close();
