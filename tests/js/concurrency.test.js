'use strict';

const { setMaxListeners } = require('node:events');
const fs = require('node:fs/promises');
const { setImmediate: turn } = require('node:timers/promises');

const { loadModel } = require('../../native.js');
const { gemma, llama7B, smollm2 } = require('./models.js');

const small = smollm2();
const large = llama7B();

/** Many long calls at once: a preload of a 4 GB model each, and a way to end them all. */
async function startPreloads(count) {
  const models = await Promise.all(Array.from({ length: count }, () => loadModel(large)));
  const controller = new AbortController();
  const { signal } = controller;
  setMaxListeners(count, signal);
  let ended = 0;
  const preloads = models.map((model) =>
    model
      .preloadAllLayers({ signal })
      .catch(() => {})
      .finally(() => (ended += 1)),
  );
  return {
    underWay: () => count - ended,
    async stop() {
      controller.abort();
      await Promise.all(preloads);
      await Promise.all(models.map((model) => model.close()));
    },
  };
}

test('a layer of one model is there while another model is still preloaded', async () => {
  const model = await loadModel(small, { memory64: true });
  const preloads = await startPreloads(1);
  const layer = await model.getLayer(7);
  expect(preloads.underWay()).toBe(1);
  expect(layer.id).toBe(7);
  await preloads.stop();
  await model.close();
});

test('forty long calls at once do not hold up short ones', async () => {
  const model = await loadModel(small, { memory64: true });
  const preloads = await startPreloads(40);
  await model.getLayer(0);
  await model.cacheStats();
  const other = await loadModel(small, { memory64: true });
  await other.close();
  expect(preloads.underWay()).toBeGreaterThan(30);
  await preloads.stop();
  await model.close();
}, 60_000);

test('long calls leave the threads alone that Node reads files with', async () => {
  const preloads = await startPreloads(8);
  await fs.readFile(__filename);
  expect(preloads.underWay()).toBe(8);
  await preloads.stop();
});

test('a layer is there while its own model is still preloaded', async () => {
  const model = await loadModel(large);
  let preloaded = false;
  const preload = model.preloadAllLayers().then(() => (preloaded = true));
  const layer = await model.getLayer(31);
  expect([layer.id, preloaded]).toEqual([31, false]);
  await preload;
  expect(await model.cacheStats()).toMatchObject({ cachedLayers: 32, cacheMisses: 1 });
  await model.close();
}, 60_000);

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
  expect(turns).toBeGreaterThan(64);
  await model.close();
});
