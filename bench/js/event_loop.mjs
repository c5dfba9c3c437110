// PATH: how long the event loop stands still while idle, and while PATH is loaded and preloaded.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadModel } from '../../native.mjs';
import { lagDuring } from './lag.mjs';

const IDLE_MS = 2000;

const path = process.argv[2];

const idle = await lagDuring(() => sleep(IDLE_MS));

let model;
let seconds;
const loading = await lagDuring(async () => {
  const started = performance.now();
  model = await loadModel(path, { memory64: true });
  await model.preloadAllLayers();
  seconds = (performance.now() - started) / 1000;
});

console.log(JSON.stringify({ idle, loading, seconds }));
await model.close();
