'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { ClosedError, loadModel, SourceChangedError } = require('../../native.js');
const { smollm2 } = require('./models.js');

const source = smollm2();

/** `cachedLayers` would not do: it has the layers that are on their way. */
async function loadedAhead(model, count) {
  while ((await model.cacheStats()).prefetches !== count);
}

test('the layers come in order, each loaded once', async () => {
  const model = await loadModel(source, { memory64: true });
  const ids = [];
  for await (const layer of model) ids.push(layer.id);
  expect(ids).toEqual(Array.from({ length: 30 }, (_, id) => id));
  const stats = await model.cacheStats();
  expect(stats.cacheMisses + stats.prefetches).toBe(30);
  expect(stats.cacheHits).toBe(stats.prefetchHits);
  expect(stats.prefetchHits).toBe(stats.prefetches);
  expect(stats.stallMs).toBeGreaterThan(0);
  await model.close();
});

test('the next two layers are loaded while the caller works with one', async () => {
  const model = await loadModel(source, { memory64: true });
  for await (const layer of model) {
    await loadedAhead(model, layer.id + 2);
    if (layer.id === 2) break;
  }
  expect(await model.cacheStats()).toMatchObject({ cacheMisses: 1, cacheHits: 2, prefetches: 4 });
  await model.close();
});

test.each([0, -0, 1000])('with a prefetch of %p bytes none is', async (prefetch) => {
  const model = await loadModel(source, { memory64: true, prefetch });
  for await (const layer of model) if (layer.id === 9) break;
  expect(await model.cacheStats()).toMatchObject({ cacheMisses: 10, cacheHits: 0, prefetches: 0 });
  await model.close();
});

test('several loops at once have every layer', async () => {
  const model = await loadModel(source, { memory64: true, maxCached: 3, policy: 'auto' });
  const expected = Array.from({ length: 30 }, (_, id) => id);
  const walk = async () => {
    const ids = [];
    for await (const layer of model) ids.push(layer.id);
    return ids;
  };
  expect(await Promise.all([walk(), walk(), walk()])).toEqual([expected, expected, expected]);
  await model.close();
});

test('closing the model ends a loop', async () => {
  const model = await loadModel(source, { memory64: true });
  const walk = async () => {
    for await (const layer of model) if (layer.id === 1) await model.close();
  };
  await expect(walk()).rejects.toBeInstanceOf(ClosedError);
});

test('with room for one layer, the bytes in hand stay true', async () => {
  const model = await loadModel(source, { memory64: true, maxCached: 1 });
  const file = fs.readFileSync(source);
  let first;
  for await (const layer of model) {
    const { data } = layer.tensor('attn_norm.weight');
    first ??= Buffer.from(data);
    if (layer.id === 0) await new Promise(setImmediate);
    expect(file.includes(data)).toBe(true);
    if (layer.id === 3) break;
  }
  const again = await model.getLayer(0);
  expect(first.equals(again.tensor('attn_norm.weight').data)).toBe(true);
  await model.close();
});

describe('a file that changes on the way', () => {
  let folder;
  let copy;
  let rejections;
  const onRejection = (reason) => rejections.push(reason);
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
    copy = path.join(folder, 'model.gguf');
    fs.copyFileSync(source, copy);
    rejections = [];
    process.on('unhandledRejection', onRejection);
  });
  afterEach(() => {
    process.off('unhandledRejection', onRejection);
    fs.rmSync(folder, { recursive: true });
  });

  test('is told when it is the turn of the layer that cannot be had', async () => {
    const model = await loadModel(copy, { memory64: true });
    const ids = [];
    const walk = async () => {
      for await (const layer of model) {
        ids.push(layer.id);
        fs.utimesSync(copy, 1, 1);
      }
    };
    await expect(walk()).rejects.toBeInstanceOf(SourceChangedError);
    // Those on their way may have arrived before the change.
    expect(ids).toEqual([0, 1, 2].slice(0, ids.length));
    await model.close();
  });

  test('is nobody’s business once the loop is left', async () => {
    const model = await loadModel(copy, { memory64: true });
    for await (const layer of model) {
      fs.utimesSync(copy, layer.id, 1);
      break;
    }
    await model.close();
    await new Promise(setImmediate);
    expect(rejections).toEqual([]);
  });
});
