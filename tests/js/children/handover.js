'use strict';

// Hands the bytes of a layer and the values of a tensor from workers to the main thread, in every
// way there is, and looks at them there when the worker has gone:
//   node --expose-gc tests/js/children/handover.js MODEL copied|listed|cloned|moved
// Prints, for the layer and the tensor, whether they are true before and after, or the error.

const { createHash } = require('node:crypto');
const { on } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const { loadModel } = require('../../../native.js');

/** What to post, and what to transfer with it. */
const ways = {
  copied: (buffer) => [buffer, []],
  listed: (buffer) => [buffer, [buffer]],
  cloned(buffer) {
    const clone = structuredClone(buffer, { transfer: [buffer] });
    return [clone, [clone]];
  },
  moved(buffer) {
    const moved = buffer.transfer();
    return [moved, [moved]];
  },
};

function sha256(buffer) {
  return createHash('sha256').update(new Uint8Array(buffer)).digest('hex');
}

async function send({ path, way }) {
  const model = await loadModel(path, { memory64: true });
  const [{ data }] = await model.getLayer(3);
  const values = await model.loadTensor('blk.0.ffn_down.weight');
  for (const { buffer } of [data, values]) {
    const hash = sha256(buffer);
    try {
      const [got, transfer] = ways[way](buffer);
      parentPort.postMessage({ hash, got }, transfer);
    } catch ({ name }) {
      parentPort.postMessage({ hash, error: name });
    }
  }
  parentPort.on('message', () => {}); // lives until it is terminated
}

async function receive([path, way]) {
  const worker = new Worker(__filename, { workerData: { path, way } });
  const received = [];
  for await (const [message] of on(worker, 'message')) {
    if (received.push(message) === 2) break;
  }
  const look = () => received.map(({ hash, got, error }) => error ?? sha256(got) === hash);
  const before = look();
  await worker.terminate();
  for (let round = 0; round < 5; round += 1) {
    global.gc();
    await turn();
  }
  console.log(JSON.stringify([before, look()]));
}

if (isMainThread) receive(process.argv.slice(2));
else send(workerData);
