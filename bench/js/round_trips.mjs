// PATH LAYER: seconds that calls take which find LAYER resident, one by one and all at once.
import { performance } from 'node:perf_hooks';
import { loadModel } from '../../native.mjs';

const WARM_UP = 500;
const SAMPLES = 3000;
const PIPELINES = 20;
const PIPELINED = 1000;

const [path, layer] = process.argv.slice(2);

async function measure(call) {
  for (let count = 0; count < WARM_UP; count += 1) await call();

  const sequential = [];
  for (let count = 0; count < SAMPLES; count += 1) {
    const started = performance.now();
    await call();
    sequential.push((performance.now() - started) / 1000);
  }

  const pipelined = [];
  for (let round = 0; round < PIPELINES; round += 1) {
    const started = performance.now();
    await Promise.all(Array.from({ length: PIPELINED }, () => call()));
    pipelined.push((performance.now() - started) / 1000 / PIPELINED);
  }
  return { sequential, pipelined };
}

const model = await loadModel(path);
const getLayer = await measure(() => model.getLayer(Number(layer)));
const cacheStats = await measure(() => model.cacheStats());
console.log(JSON.stringify({ getLayer, cacheStats }));
await model.close();
