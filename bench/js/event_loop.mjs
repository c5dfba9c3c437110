// PATH: how long the event loop stands still while idle, and while PATH is loaded and preloaded.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadModel } from '../../native.mjs';

const IDLE_MS = 2000;
const RESOLUTION_MS = 1;

const path = process.argv[2];

/** Two watchers of the loop: Node's own histogram, and the gaps between ticks of an interval. */
async function lagDuring(work) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const gaps = [];
  let last = performance.now();
  const interval = setInterval(() => {
    const tick = performance.now();
    gaps.push(tick - last);
    last = tick;
  }, RESOLUTION_MS);
  monitor.enable();
  await work();
  // A last lag is seen only by the tick that comes after it.
  await sleep(5 * RESOLUTION_MS);
  monitor.disable();
  clearInterval(interval);
  gaps.sort((a, b) => a - b);
  return {
    monitor: { max: monitor.max / 1e9, p99: monitor.percentile(99) / 1e9 },
    interval: { max: gaps.at(-1) / 1e3, p99: gaps[Math.floor(gaps.length * 0.99)] / 1e3 },
  };
}

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
