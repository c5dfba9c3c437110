'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');

const { loadModel } = require('../../native.js');
const { beyond4GiB, gemma, llama70B } = require('./models.js');
const { runPython } = require('./python.js');

const GIB = 2 ** 30;

function reference(path, ...names) {
  return JSON.parse(runPython('tests/js/reference.py', path, ...names));
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes of a tensor as they lie in the file. */
function inFile(descriptor, { fileOffset, nbytes }) {
  const bytes = Buffer.alloc(nbytes);
  fs.readSync(descriptor, bytes, 0, nbytes, fileOffset);
  return bytes;
}

async function checkLayers(path, model, tensors) {
  const descriptor = fs.openSync(path);
  const entries = new Map(tensors.map((entry) => [entry.name, entry]));
  let count = 0;
  for await (const layer of model) {
    for (const { name, data } of layer) {
      expect([name, sha256(data)]).toEqual([name, sha256(inFile(descriptor, entries.get(name)))]);
      count += 1;
    }
    layer.close();
  }
  fs.closeSync(descriptor);
  expect(count).toBe(tensors.filter(({ name }) => name.startsWith('blk.')).length);
}

describe('Gemma', () => {
  const path = gemma();
  let expected;
  beforeAll(() => {
    expected = reference(path, 'all');
  }, 120_000);

  test.each([true, false])(
    'every layer and every value, memory64: %s',
    async (memory64) => {
      const model = await loadModel(path, { memory64 });
      await checkLayers(path, model, expected.tensors);
      for (const [name, digest] of Object.entries(expected.values)) {
        expect([name, sha256(await model.loadTensor(name))]).toEqual([name, digest]);
      }
      await model.close();
    },
    120_000,
  );
});

test('a model beyond the 4 GiB offset', async () => {
  const path = beyond4GiB();
  const { tensors } = reference(path);
  const far = tensors.filter(({ fileOffset }) => fileOffset > 4 * GIB).map(({ name }) => name);
  expect(far.length).toBeGreaterThan(3);
  const { values } = reference(path, ...far);
  const model = await loadModel(path, { maxCached: 2 });
  expect(model.memory64).toBe(true);
  await checkLayers(path, model, tensors);
  for (const name of far) {
    expect([name, sha256(await model.loadTensor(name))]).toEqual([name, values[name]]);
  }
  await model.close();
}, 240_000);

test('the marked bytes of a 138 GB model', async () => {
  const model = await loadModel(llama70B());
  const name = model.metadata['mark.tensor'];
  const offset = model.metadata['mark.offset'];
  const mark = model.metadata['mark.bytes'];
  const layer = await model.getLayer(Number(name.split('.')[1]));
  const { data } = layer.tensor(name);
  expect(Array.from(data.subarray(offset, offset + mark.length))).toEqual(mark);
  await model.close();
});
