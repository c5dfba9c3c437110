'use strict';

const { setImmediate: turn } = require('node:timers/promises');

const { loadModel } = require('../../native.js');
const { gemma, llama7B, smollm2 } = require('./models.js');

const small = smollm2();
const large = llama7B();

test('a layer that is asked for while its model is preloaded counts once', async () => {
  const model = await loadModel(large);
  const preload = model.preloadAllLayers();
  const layer = await model.getLayer(31);
  expect(layer.id).toBe(31);
  await preload;
  const { cachedLayers, cacheHits, cacheMisses } = await model.cacheStats();
  expect([cachedLayers, cacheHits + cacheMisses]).toEqual([32, 1]);
  await model.close();
});

test('a thousand calls on several models, and every answer is the right one', async () => {
  const models = await Promise.all(
    [small, gemma(), small].map((path) => loadModel(path, { memory64: true, maxCached: 3 })),
  );
  const calls = Array.from({ length: 1000 }, async (_, index) => {
    const model = models[index % 3];
    const id = (index * 7) % model.layerCount;
    const layer = await model.getLayer(id);
    expect(layer.id).toBe(id);
    for (const { name } of layer) expect(name.startsWith(`blk.${id}.`)).toBe(true);
  });
  await Promise.all(calls);
  for (const model of models) {
    const { cacheHits, cacheMisses, cachedLayers } = await model.cacheStats();
    expect(cacheHits + cacheMisses).toBeGreaterThanOrEqual(333);
    expect(cachedLayers).toBeLessThanOrEqual(3);
    await model.close();
  }
});

test('calls for one layer that is not there yet load it once', async () => {
  const model = await loadModel(large);
  const layers = await Promise.all(Array.from({ length: 300 }, () => model.getLayer(12)));
  const buffers = new Set(layers.map((layer) => layer.tensor('attn_q.weight').data.buffer));
  expect(buffers.size).toBe(1);
  expect(await model.cacheStats()).toMatchObject({ cacheMisses: 1, cacheHits: 299 });
  await model.close();
});

test('a vocabulary of 262,144 tokens is read while the event loop turns', async () => {
  const model = await loadModel(gemma(), { memory64: true });
  const tokens = model.metadata['tokenizer.ggml.tokens'];
  let turns = 0;
  let read = false;
  const reading = tokens.read().finally(() => (read = true));
  for (; !read; turns += 1) await turn();
  expect(await reading).toHaveLength(262_144);
  // It comes in 64 parts, and the loop turns between any two of them.
  expect(turns).toBeGreaterThanOrEqual(63);
  await model.close();
});
