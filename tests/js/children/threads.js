'use strict';

// Does lists of steps at the same time, each in the main thread or in a worker of its own:
//   node tests/js/children/threads.js MODEL main:load,digest:3 worker:load,digest:3
// Prints for each, as a line of JSON, what its steps gave and the worker's exit code.

const { once } = require('node:events');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const { runSteps } = require('./steps.js');

async function runHere(path, steps) {
  const results = [];
  await runSteps(path, steps, (result) => results.push(result));
  return { results };
}

async function runInWorker(path, steps) {
  const results = [];
  const worker = new Worker(__filename, { workerData: { path, steps } });
  worker.on('message', (result) => results.push(result));
  const [exitCode] = await once(worker, 'exit');
  return { results, exitCode };
}

async function runAll([path, ...lists]) {
  const ends = lists.map((list) => {
    const [, where, steps] = /^(main|worker):(.*)$/.exec(list);
    return (where === 'main' ? runHere : runInWorker)(path, steps.split(','));
  });
  for (const end of await Promise.all(ends)) console.log(JSON.stringify(end));
}

if (isMainThread) runAll(process.argv.slice(2));
else runSteps(workerData.path, workerData.steps, (result) => parentPort.postMessage(result));
