// PATH OTHER: how long the event loop stands still while idle, and while everything goes on at
// once: PATH is preloaded, OTHER opened and closed, and calls are always under way.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadModel } from '../../native.mjs';
import { lagDuring } from './lag.mjs';

const IDLE_MS = 2000;
const AT_LEAST_MS = 5000;
const CALLERS = 50;

const [path, other] = process.argv.slice(2);

const model = await loadModel(path);
let busy = true;
let opened = 0;
let answered = 0;

/** From the disk at first, later from the page cache. */
async function preload() {
  const end = performance.now() + AT_LEAST_MS;
  do {
    await model.preloadAllLayers();
    await model.clearCache();
  } while (performance.now() < end);
  busy = false;
}

async function openAndClose() {
  for (; busy; opened += 1) {
    const opening = await loadModel(other);
    await opening.close();
  }
}

async function ask(caller) {
  for (; busy; answered += 2) {
    await model.getLayer(caller % model.layerCount);
    await model.cacheStats();
  }
}

const idle = await lagDuring(() => sleep(IDLE_MS));
const working = await lagDuring(() =>
  Promise.all([preload(), openAndClose(), ...Array.from({ length: CALLERS }, (_, id) => ask(id))]),
);
console.log(JSON.stringify({ idle, working, opened, answered }));
await model.close();
