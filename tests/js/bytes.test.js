'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { pathToFileURL } = require('node:url');

const { loadModel } = require('../../native.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const DEQUANTISED = [
  'token_embd.weight', // Q8_0
  'blk.0.ffn_down.weight', // Q4_1
  'blk.29.attn_q.weight',
  'blk.7.attn_norm.weight', // F32
  'output_norm.weight',
];

const path = smollm2();
const file = fs.readFileSync(path);
const reference = JSON.parse(runPython('tests/js/reference.py', path, ...DEQUANTISED));

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The hashes of a layer's tensors by name, as the file itself has them. */
function hashesInFile(id) {
  const entries = reference.tensors.filter(({ name }) => name.startsWith(`blk.${id}.`));
  return entries.map(({ name, fileOffset, nbytes }) => [
    name,
    sha256(file.subarray(fileOffset, fileOffset + nbytes)),
  ]);
}

function hashesOf(layer) {
  return Array.from(layer, (tensor) => [tensor.name, sha256(tensor.data)]);
}

const ways = [
  ['in memory64 regions', { memory64: true }],
  ['in memory64 regions, two layers at a time', { memory64: true, maxCached: 2 }],
  [
    'over two named regions',
    {
      memory64: true,
      layout: [
        { name: 'embeddings', sizeGb: 1 },
        { name: 'layers', sizeGb: 1 },
      ],
    },
  ],
  ['in standard memory', { memory64: false }],
];

describe.each(ways)('a model %s', (_, options) => {
  let model;
  beforeAll(async () => {
    model = await loadModel(path, options);
  });
  afterAll(() => model.close());

  test('gives every layer the bytes of the file', async () => {
    for await (const layer of model) expect(hashesOf(layer)).toEqual(hashesInFile(layer.id));
  });

  test('gives the same bytes to many calls at once', async () => {
    const ids = Array.from({ length: 120 }, (unused, index) => (index * 7) % model.layerCount);
    const layers = await Promise.all(ids.map((id) => model.getLayer(id)));
    for (const layer of layers.slice(0, 40)) {
      expect(hashesOf(layer)).toEqual(hashesInFile(layer.id));
    }
    expect(layers.map(({ id }) => id)).toEqual(ids);
  });

  test.each(DEQUANTISED)('loads %s as the gguf package does, bit for bit', async (name) => {
    const values = await model.loadTensor(name);
    expect(values).toBeInstanceOf(Float32Array);
    expect(sha256(values)).toBe(reference.values[name]);
  });

  test('lists the tensors that the gguf package finds', () => {
    const known = reference.tensors.map(({ name, shape, quantType, nbytes }) => ({
      name,
      shape,
      quantType,
      nbytes,
    }));
    expect(model.tensors).toMatchObject(known);
  });
});

test('several models are open at once', async () => {
  const models = await Promise.all(ways.map(([, options]) => loadModel(path, options)));
  const layers = await Promise.all(models.map((model) => model.getLayer(11)));
  for (const layer of layers) expect(hashesOf(layer)).toEqual(hashesInFile(11));
  await models[0].close();
  expect(hashesOf(await models[1].getLayer(12))).toEqual(hashesInFile(12));
  await Promise.all(models.map((model) => model.close()));
});

test.each([
  ['an object', pathToFileURL(path)],
  ['a string', pathToFileURL(path).href],
])('a tensor of a model named by a URL, %s, dequantises itself', async (_, url) => {
  const model = await loadModel(url);
  const layer = await model.getLayer(0);
  const values = await layer.tensor('ffn_down.weight').dequantize();
  expect(sha256(values)).toBe(reference.values['blk.0.ffn_down.weight']);
  await model.close();
});

describe('metadata', () => {
  let model;
  beforeAll(async () => {
    model = await loadModel(path);
  });
  afterAll(() => model.close());

  test('is what the gguf package reads', async () => {
    const whole = {};
    for (const [key, value] of Object.entries(model.metadata)) {
      whole[key] = typeof value.read === 'function' ? await value.read() : value;
    }
    expect(whole).toEqual(reference.metadata);
  });

  test('leaves long arrays unread until asked', () => {
    const tokens = model.metadata['tokenizer.ggml.tokens'];
    expect(tokens).toMatchObject({ type: 'string', length: 49152 });
  });

  test('cannot be changed', () => {
    expect(() => {
      model.metadata['general.name'] = 'another';
    }).toThrow(TypeError);
  });
});
