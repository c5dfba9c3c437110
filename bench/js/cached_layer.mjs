// PATH LAYER: seconds that each getLayer of a resident layer takes, one by one and all at once.
import { performance } from 'node:perf_hooks';
import { loadModel } from '../../native.mjs';

const WARM_UP = 500;
const SAMPLES = 3000;
const PIPELINES = 20;
const PIPELINED = 1000;

const [path, layer] = process.argv.slice(2);
const id = Number(layer);

const model = await loadModel(path);
for (let call = 0; call < WARM_UP; call += 1) await model.getLayer(id);

const sequential = [];
for (let call = 0; call < SAMPLES; call += 1) {
  const started = performance.now();
  await model.getLayer(id);
  sequential.push((performance.now() - started) / 1000);
}

const pipelined = [];
for (let round = 0; round < PIPELINES; round += 1) {
  const started = performance.now();
  await Promise.all(Array.from({ length: PIPELINED }, () => model.getLayer(id)));
  pipelined.push((performance.now() - started) / 1000 / PIPELINED);
}

console.log(JSON.stringify({ sequential, pipelined }));
await model.close();
