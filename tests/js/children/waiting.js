'use strict';

// Makes many calls that wait for a file, then short ones, and tells how many of the many were still
// waiting after these:
//   node tests/js/children/waiting.js MODEL READY GO_ON CALLS

const fs = require('node:fs');
const { setTimeout: wait } = require('node:timers/promises');

const { loadModel } = require('../../../native.js');

async function run([path, ready, goOn, calls]) {
  const model = await loadModel(path, { memory64: true });
  while (!fs.existsSync(ready)) await wait(10);

  let waiting = Number(calls);
  const long = Array.from({ length: waiting }, () =>
    model.loadTensor('output_norm.weight').then(() => (waiting -= 1)),
  );
  await model.cacheStats();
  await model.getLayer(0);
  const other = await loadModel(path, { memory64: true });
  await other.close();
  await fs.promises.readFile(__filename);
  console.log(JSON.stringify(waiting));

  fs.writeFileSync(goOn, '');
  await Promise.all(long);
  await model.close();
}

run(process.argv.slice(2));
