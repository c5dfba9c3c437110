'use strict';

// A process, or a worker of it, that ends while a guest loops for ever:
//   node tests/js/guest-ends.js MODEL exit | throw | terminate

const { once } = require('node:events');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const { loadModel } = require('../../native.js');
const { untilBusy, untilIdle } = require('./threads.js');
const { identity } = require('./guests.js');

async function open(path) {
  const model = await loadModel(path, { memory64: true });
  return model.guest(Buffer.from(identity));
}

async function spin(path) {
  const guest = await open(path);
  guest.call('spin').catch(() => {});
}

const ends = {
  async exit(path) {
    await spin(path);
    await untilBusy();
    process.exit(7);
  },
  async throw(path) {
    await spin(path);
    await untilBusy();
    setImmediate(() => {
      throw new Error('uncaught');
    });
  },
  async terminate(path) {
    const worker = new Worker(__filename, { workerData: path });
    await once(worker, 'message');
    await untilBusy();
    await worker.terminate();
    await untilIdle();
    const guest = await open(path);
    console.log(await guest.call('i32', 42));
  },
};

const [path, how] = process.argv.slice(2);
if (isMainThread) ends[how](path);
else spin(workerData).then(() => parentPort.postMessage('spinning'));
