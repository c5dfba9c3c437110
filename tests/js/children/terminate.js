'use strict';

// Terminates workers in the middle of a call, each a little later than the one before, while the
// main thread makes calls of its own:
//   node tests/js/children/terminate.js MODEL CALL ROUNDS
// Prints the workers' exit codes and the digests that the main thread got, as lines of JSON.

const { on, once } = require('node:events');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const { loadModel } = require('../../../native.js');
const { digest } = require('../digest.js');

const [file, call, rounds] = process.argv.slice(2);

async function terminateOne(milliseconds) {
  const steps = ['load', `keep:${call}`];
  const worker = new Worker(path.join(__dirname, 'threads.js'), {
    workerData: { path: file, steps },
  });
  const ended = once(worker, 'exit');
  for await (const [begun] of on(worker, 'message')) if (begun === call) break;
  await wait(milliseconds);
  await worker.terminate();
  return (await ended)[0];
}

async function run() {
  const model = await loadModel(file, { memory64: true, maxCached: 2 });
  const codes = new Set();
  const digests = new Set();
  for (let round = 0; round < Number(rounds); round += 1) {
    const mine = model.getLayer(3).then((layer) => digests.add(digest(layer)));
    codes.add(await terminateOne(round % 10));
    await mine;
  }
  await model.close();
  console.log(JSON.stringify([...codes]));
  console.log(JSON.stringify([...digests]));
}

run();
