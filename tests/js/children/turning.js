'use strict';

// Turns the event loop while somebody holds Python's lock all the time, until buffers have been
// collected, with a call that waits; then has the lock let go of:
//   node --expose-gc tests/js/children/turning.js MODEL HOG HELD
// Prints whether the call was answered before and after. What waited for the lock in a turn would
// hang.

const fs = require('node:fs');
const { setImmediate: turn, setTimeout: wait } = require('node:timers/promises');

const { loadModel } = require('../../../native.js');

const TURNS = 100;

async function run([path, hog, held]) {
  const model = await loadModel(path, { memory64: true });
  let finalized = 0;
  const registry = new FinalizationRegistry(() => (finalized += 1));
  for await (const layer of model) registry.register(layer.tensor('attn_q.weight').data.buffer);

  fs.writeFileSync(hog, '');
  while (!fs.existsSync(held)) await wait(1);
  let answered = false;
  const waiting = model.cacheStats().then(() => (answered = true));
  for (let turns = 0; turns < TURNS || finalized === 0; turns += 1) {
    globalThis.gc();
    await turn();
  }
  console.log(JSON.stringify({ answered }));

  fs.rmSync(hog);
  await waiting;
  console.log(JSON.stringify({ answered }));
  await model.close();
}

run(process.argv.slice(2));
