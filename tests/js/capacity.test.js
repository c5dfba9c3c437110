'use strict';

// What a JavaScript engine cannot hold. Node 20 stops at 4 GiB; that much memory is not spent here,
// but the limit lowered to what a small model exceeds.

const { constants } = require('node:buffer');

const { loadModel, CapacityError } = require('../../native.js');
const { limitBuffers } = require('../../js/binding.js');
const { smollm2 } = require('./models.js');

const LIMIT = 100_000;

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true });
});
beforeEach(() => limitBuffers(LIMIT));
afterEach(() => limitBuffers(constants.MAX_LENGTH));
afterAll(() => model.close());

/** Layer 3's tensors lie one after the other, and come in one ArrayBuffer. */
function layerBytes() {
  const infos = model.tensors.filter(({ layer }) => layer === 3);
  return infos.reduce((sum, { nbytes }) => sum + nbytes, 0);
}

test.each([
  ['a layer', () => model.getLayer(3), () => layerBytes()],
  ['a tensor', () => model.loadTensor('blk.3.attn_q.weight'), () => 576 * 576 * 4],
])('%s beyond it is refused with what is needed and what there is', async (_, ask, need) => {
  const error = await ask().catch((reason) => reason);
  expect(error).toBeInstanceOf(CapacityError);
  expect(error.code).toBe('ERR_MEMORY64_CAPACITY');
  expect(error.message).toContain(`an ArrayBuffer of ${need()} bytes is needed`);
  expect(error.message).toContain(`allows ${LIMIT}.`);
});

test('what just fits is given', async () => {
  const name = 'blk.3.attn_norm.weight';
  const { shape } = model.tensors.find((info) => info.name === name);
  expect(await model.loadTensor(name)).toHaveLength(shape[0]);
  limitBuffers(layerBytes() - 1);
  await expect(model.getLayer(3)).rejects.toThrow(CapacityError);
  limitBuffers(layerBytes());
  expect((await model.getLayer(3)).id).toBe(3);
});
