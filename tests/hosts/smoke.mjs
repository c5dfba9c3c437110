/**
 * What a host of the addon has to manage, in a few calls:
 *
 *     node --expose-gc tests/hosts/smoke.mjs MODEL REFERENCE
 *
 * REFERENCE is a file with what tests/js/reference.py says about the model.
 * Ends by itself with status 0 where everything is right.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';

import { loadModel, Memory64Error, Model, TensorNotFoundError } from '../../native.mjs';

const LAYER = 3;

const [path, reference] = process.argv.slice(2);
const { tensors, values } = JSON.parse(fs.readFileSync(reference, 'utf8'));
const file = fs.readFileSync(path);

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function hashesInFile(id) {
  return tensors
    .filter(({ name }) => name.startsWith(`blk.${id}.`))
    .map(({ name, fileOffset, nbytes }) => [
      name,
      sha256(file.subarray(fileOffset, fileOffset + nbytes)),
    ]);
}

function hashesOf(layer) {
  return Array.from(layer, ({ name, data }) => [name, sha256(data)]);
}

assert.equal(createRequire(import.meta.url)('../../native.js').Model, Model, 'import and require');

const model = await loadModel(path, { memory64: true });
assert.deepEqual(hashesOf(await model.getLayer(LAYER)), hashesInFile(LAYER), 'bytes of a layer');
for (const [name, expected] of Object.entries(values)) {
  assert.equal(sha256(await model.loadTensor(name)), expected, `values of ${name}`);
}

const controller = new AbortController();
const preload = model.preloadAllLayers({ signal: controller.signal });
controller.abort();
await assert.rejects(preload, (error) => error === controller.signal.reason, 'abort');

await assert.rejects(model.loadTensor('nix'), (error) => {
  assert(error instanceof TensorNotFoundError && error instanceof Memory64Error, 'error class');
  assert.equal(error.code, 'ERR_MEMORY64_TENSOR_NOT_FOUND');
  assert.match(error.cause.stack, /^Traceback/);
  return true;
});

// The second walk meets buffers of the first one that are gone, or about to be.
for (const walk of ['first', 'second']) {
  let id = 0;
  for await (const layer of model) {
    assert.deepEqual(hashesOf(layer), hashesInFile(id), `layer ${id} of the ${walk} walk`);
    id += 1;
  }
  assert.equal(id, model.layerCount);
  globalThis.gc();
  await turn();
}

await model.close();
await assert.rejects(model.getLayer(0), { code: 'ERR_MEMORY64_CLOSED' });
