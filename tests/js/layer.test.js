'use strict';

const { loadModel, Layer, TensorNotFoundError, ClosedError } = require('../../native.js');
const { smollm2 } = require('./models.js');

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true, maxCached: 3 });
});
afterAll(() => model.close());

test('the first layer is number 0, whatever its sign', async () => {
  expect((await model.getLayer(-0)).id).toBe(0);
});

test('a layer knows its tensors by short and by whole name', async () => {
  const layer = await model.getLayer(3);
  const tensor = layer.tensor('attn_q.weight');
  expect(layer).toBeInstanceOf(Layer);
  expect(layer.tensor('blk.3.attn_q.weight')).toBe(tensor);
  expect(tensor).toMatchObject({
    name: 'blk.3.attn_q.weight',
    shape: [576, 576],
    quantType: 'Q4_1',
  });
  expect(tensor.data).toHaveLength(207360);
});

test('a layer does not know the tensors of another', async () => {
  const layer = await model.getLayer(3);
  for (const name of ['nix', '', 'blk.4.attn_q.weight', 'token_embd.weight', '__proto__']) {
    expect(() => layer.tensor(name)).toThrow(TensorNotFoundError);
  }
  expect(() => layer.tensor(3)).toThrow(TypeError);
});

test('the same layer gives the same ArrayBuffer while it is held', async () => {
  const [one, other] = await Promise.all([model.getLayer(5), model.getLayer(5)]);
  expect(other.tensor('attn_q.weight').data.buffer).toBe(one.tensor('attn_k.weight').data.buffer);
});

test('what is written into a layer stays with those who hold it', async () => {
  const another = await loadModel(smollm2(), { memory64: true });
  const { data } = (await model.getLayer(8)).tensor('attn_q.weight');
  const before = data[0];
  data[0] = before ^ 0xff;
  expect((await another.getLayer(8)).tensor('attn_q.weight').data[0]).toBe(before);
  data[0] = before;
  await another.close();
});

test('bytes in use stay true after eviction, clearCache and close', async () => {
  const another = await loadModel(smollm2(), { memory64: true, maxCached: 1 });
  const { data } = (await another.getLayer(2)).tensor('ffn_up.weight');
  const before = Buffer.from(data);
  await another.getLayer(3);
  expect(before.equals(data)).toBe(true);
  await another.clearCache();
  expect(before.equals(data)).toBe(true);
  await another.close();
  expect(before.equals(data)).toBe(true);
});

test('a closed layer gives nothing, but its bytes stay with those who hold them', async () => {
  const layer = await model.getLayer(4);
  const { data } = layer.tensor('attn_norm.weight');
  const before = Buffer.from(data);
  layer[Symbol.dispose]();
  layer.close();
  expect(() => layer.tensor('attn_norm.weight')).toThrow(ClosedError);
  expect(() => [...layer]).toThrow(ClosedError);
  expect(before.equals(data)).toBe(true);
});
