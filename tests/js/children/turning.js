'use strict';

// Counts the turns of the event loop in a second in which Python's lock can hardly be had, while
// buffers are collected and calls wait:
//   node --expose-gc tests/js/children/turning.js MODEL MARKER

const fs = require('node:fs');
const { setImmediate: turn } = require('node:timers/promises');

const { loadModel } = require('../../../native.js');

const SECOND = 1000;

async function run(path, marker) {
  const model = await loadModel(path, { memory64: true });
  let finalized = 0;
  const registry = new FinalizationRegistry(() => (finalized += 1));
  for await (const layer of model) registry.register(layer.tensor('attn_q.weight').data.buffer);

  fs.writeFileSync(marker, '');
  const waiting = model.cacheStats();
  const end = performance.now() + SECOND;
  let turns = 0;
  for (; performance.now() < end; turns += 1) {
    globalThis.gc();
    await turn();
  }
  console.log(JSON.stringify({ turns, finalized }));
  await waiting;
  process.exit();
}

const [path, marker] = process.argv.slice(2);
run(path, marker);
