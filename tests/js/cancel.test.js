'use strict';

const { loadModel } = require('../../native.js');
const { smollm2 } = require('./models.js');

const path = smollm2();
const reason = new Error('changed my mind');

let model;
beforeEach(async () => {
  model = await loadModel(path, { memory64: true });
});
afterEach(() => model.close());

test('a signal that has fired starts nothing', async () => {
  const signal = AbortSignal.abort(reason);
  await expect(loadModel(path, { signal })).rejects.toBe(reason);
  await expect(model.getLayer(0, { signal })).rejects.toBe(reason);
  await expect(model.loadTensor('output_norm.weight', { signal })).rejects.toBe(reason);
  await expect(model.preloadAllLayers({ signal })).rejects.toBe(reason);
  await expect(model.metadata['tokenizer.ggml.tokens'].read({ signal })).rejects.toBe(reason);
  expect(await model.cacheStats()).toMatchObject({ cacheMisses: 0, cachedLayers: 0 });
});

test.each([
  ['loadModel', (options) => loadModel(path, options)],
  ['getLayer', (options) => model.getLayer(0, options)],
  ['loadTensor', (options) => model.loadTensor('token_embd.weight', options)],
  ['preloadAllLayers', (options) => model.preloadAllLayers(options)],
])('an abort rejects %s at once, whatever the reason', async (_, call) => {
  for (const why of [reason, 'text', null]) {
    const controller = new AbortController();
    const pending = call({ signal: controller.signal });
    controller.abort(why);
    await expect(pending).rejects.toBe(why);
  }
});

test('an aborted model still gives its layers and counts them right', async () => {
  const controller = new AbortController();
  const onProgress = () => controller.abort(reason);
  const preload = model.preloadAllLayers({ signal: controller.signal, onProgress });
  await expect(preload).rejects.toBe(reason);

  await model.preloadAllLayers();
  for await (const layer of model) expect([...layer]).toHaveLength(9);
  const { cacheHits, cachedLayers } = await model.cacheStats();
  expect(cachedLayers).toBe(30);
  expect(cacheHits).toBeGreaterThanOrEqual(30);
});

test('nothing is reported after the call was aborted', async () => {
  const controller = new AbortController();
  const onProgress = jest.fn(() => controller.abort(reason));
  const preload = model.preloadAllLayers({ signal: controller.signal, onProgress });
  await expect(preload).rejects.toBe(reason);
  await model.close(); // waits for the Python work to end
  expect(onProgress).toHaveBeenCalledTimes(1);
});

test('what onProgress throws is why the call ends', async () => {
  const onProgress = jest.fn(() => {
    throw reason;
  });
  await expect(loadModel(path, { onProgress })).rejects.toBe(reason);
  expect(onProgress).toHaveBeenCalledTimes(1);
});

test('a tensor that dequantises itself can be stopped', async () => {
  const [tensor] = await model.getLayer(0);
  await expect(tensor.dequantize({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('a signal that fires after the call does not matter', async () => {
  const controller = new AbortController();
  const layer = await model.getLayer(0, { signal: controller.signal });
  controller.abort();
  expect([...layer]).toHaveLength(9);
});
