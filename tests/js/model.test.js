'use strict';

const fs = require('node:fs');

const { loadModel, ClosedError, Model, OutOfBoundsError } = require('../../native.js');
const { smollm2 } = require('./models.js');

const path = smollm2();

test('a model describes itself', async () => {
  const model = await loadModel(path, { memory64: true });
  expect(model).toBeInstanceOf(Model);
  expect(model).toMatchObject({ architecture: 'llama', layerCount: 30, memory64: true });
  expect(fs.realpathSync(model.source)).toBe(fs.realpathSync(path));
  const sizes = model.tensors.map(({ nbytes }) => nbytes);
  expect(model.sizeBytes).toBeGreaterThanOrEqual(sizes.reduce((sum, size) => sum + size));
  expect(model.sizeBytes).toBeLessThanOrEqual(fs.statSync(path).size);
  expect(new Set(model.tensors.map(({ layer }) => layer)).size).toBe(31); // layers and null
  await model.close();
});

test('below the threshold, memory64 is off unless it is asked for', async () => {
  const model = await loadModel(path);
  expect(model.memory64).toBe(false);
  await model.close();
});

test('the cache counts, evicts and clears', async () => {
  const model = await loadModel(path, { memory64: true, maxCached: 2 });
  for (const id of [0, 1, 1, 2, 0]) await model.getLayer(id);
  expect(await model.cacheStats()).toMatchObject({
    cacheHits: 1,
    cacheMisses: 4,
    evictions: 2,
    cachedLayers: 2,
    maxCached: 2,
    hitRate: 0.2,
  });
  await model.clearCache();
  expect(await model.cacheStats()).toMatchObject({ cachedLayers: 0, residentBytes: 0 });
  await model.close();
});

test.each([
  ['lru', 0],
  ['cyclic', 30],
  ['auto', 10],
  [{ pinned: [4, 7, 9] }, 9],
])('the policy %j on four walks with room for eleven layers', async (policy, atLeast) => {
  const model = await loadModel(path, { memory64: true, maxCached: 11, policy });
  for (let walk = 0; walk < 4; walk += 1) {
    for (let id = 0; id < 30; id += 1) await model.getLayer(id);
  }
  const { cacheHits } = await model.cacheStats();
  expect(cacheHits).toBeGreaterThanOrEqual(atLeast);
  if (policy === 'lru') expect(cacheHits).toBe(0);
  await model.close();
});

test('a layer to be kept that there is not', async () => {
  const loading = loadModel(path, { memory64: true, policy: { pinned: [0, 30] } });
  await expect(loading).rejects.toThrow(OutOfBoundsError);
});

test('preloadAllLayers makes every layer resident and tells how far it is', async () => {
  const model = await loadModel(path, { memory64: true, maxCached: 2 });
  const fractions = [];
  await model.preloadAllLayers({ onProgress: (fraction) => fractions.push(fraction) });
  expect(await model.cacheStats()).toMatchObject({ cachedLayers: 30 });
  expect(fractions).toEqual([...new Set(fractions)].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  await model.close();
});

test('loadModel tells how far it is', async () => {
  const fractions = [];
  const model = await loadModel(path, { onProgress: (fraction) => fractions.push(fraction) });
  expect(fractions.at(-1)).toBe(1);
  await model.close();
});

test('close waits for the calls under way', async () => {
  const model = await loadModel(path, { memory64: true });
  const ended = [];
  const calls = Array.from({ length: 30 }, (_, id) =>
    model.getLayer(id).then(() => ended.push(id)),
  );
  await model.close();
  expect(ended).toHaveLength(30);
  await Promise.all(calls);
});

test('a closed model refuses every call, and closing again is fine', async () => {
  const model = await loadModel(path);
  const layer = await model.getLayer(0);
  const tokens = model.metadata['tokenizer.ggml.tokens'];
  await Promise.all([model.close(), model[Symbol.asyncDispose](), model.close()]);

  const calls = [
    () => model.getLayer(0),
    () => model.loadTensor('output_norm.weight'),
    () => model.preloadAllLayers(),
    () => model.cacheStats(),
    () => model.clearCache(),
    () => layer.tensor('attn_q.weight').dequantize(),
    () => tokens.read(),
    async () => {
      for await (const next of model) next.close();
    },
  ];
  for (const call of calls) {
    const error = await call().catch((reason) => reason);
    expect(error).toBeInstanceOf(ClosedError);
    expect(error.message).toContain(path);
  }
  expect(model.layerCount).toBe(30);
});
