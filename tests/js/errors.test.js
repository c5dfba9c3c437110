'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const memory64 = require('../../native.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const { loadModel, Memory64Error, SourceError, TensorNotFoundError } = memory64;

function rejection(promise) {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error) => error,
  );
}

let folder;
let model;
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
  model = await loadModel(smollm2());
});
afterAll(async () => {
  await model.close();
  fs.rmSync(folder, { recursive: true });
});

function fileWith(content) {
  const name = path.join(folder, 'model.gguf');
  fs.writeFileSync(name, content);
  return name;
}

const sources = [
  ['a missing file', () => path.join(folder, 'nix.gguf'), 'SourceNotFoundError'],
  ['a directory', () => folder, 'SourceError'],
  ['an empty file', () => fileWith(''), 'GGUFFormatError'],
  ['a page of HTML', () => fileWith('<!doctype html>'.repeat(99)), 'GGUFFormatError'],
  [
    'a file cut short',
    () => fileWith(fs.readFileSync(smollm2()).subarray(0, 999)),
    'GGUFFormatError',
  ],
];

test.each(sources)('loading %s', async (_, source, name) => {
  const wanted = source();
  const error = await rejection(loadModel(wanted));
  expect(error).toBeInstanceOf(memory64[name]);
  expect(error).toMatchObject({ name, code: memory64[name].code });
  expect(error.message).toContain(wanted);
});

test('an error has the stack of the caller and the traceback of Python', async () => {
  async function theCaller() {
    await model.loadTensor('nix');
  }
  const error = await rejection(theCaller());
  expect(error).toBeInstanceOf(TensorNotFoundError);
  expect(error).toBeInstanceOf(Memory64Error);
  expect(error).toBeInstanceOf(Error);
  expect(error.stack).toContain('theCaller');
  expect(error.cause.stack).toMatch(/^Traceback.*bridge\.py.*TensorNotFoundError/s);
});

test('a source that is not text is told as it is', async () => {
  const error = await rejection(loadModel(path.join(folder, 'ö 語 🙂.gguf')));
  expect(error.message).toContain('ö 語 🙂.gguf');
  expect(await rejection(loadModel(path.join(folder, 'a\0b')))).toBeInstanceOf(SourceError);
});

const wrongLoads = [
  ['no source', () => [], TypeError],
  ['a number as source', () => [3], TypeError],
  ['an empty source', () => [''], RangeError],
  ['a URL of the web', () => [new URL('https://example.com/model.gguf')], TypeError],
  ['options null', () => ['m.gguf', null], TypeError],
  ['memory64 "yes"', () => ['m.gguf', { memory64: 'yes' }], TypeError],
  ['maxCached as text', () => ['m.gguf', { maxCached: '3' }], TypeError],
  ['maxCached 0', () => ['m.gguf', { maxCached: 0 }], RangeError],
  ['maxCached 1.5', () => ['m.gguf', { maxCached: 1.5 }], RangeError],
  ['capacityBytes -1', () => ['m.gguf', { capacityBytes: -1 }], RangeError],
  ['capacityBytes NaN', () => ['m.gguf', { capacityBytes: NaN }], RangeError],
  ['prefetch -1', () => ['m.gguf', { prefetch: -1 }], RangeError],
  ['policy as number', () => ['m.gguf', { policy: 1 }], TypeError],
  ['a policy unknown', () => ['m.gguf', { policy: 'nix' }], RangeError],
  ['a policy without layers', () => ['m.gguf', { policy: {} }], TypeError],
  ['pinned layers as text', () => ['m.gguf', { policy: { pinned: '012' } }], TypeError],
  ['a pinned layer as text', () => ['m.gguf', { policy: { pinned: ['0'] } }], TypeError],
  ['a pinned layer 0.5', () => ['m.gguf', { policy: { pinned: [0.5] } }], RangeError],
  ['a pinned layer -1', () => ['m.gguf', { policy: { pinned: [-1] } }], RangeError],
  ['a layout with a hole', () => ['m.gguf', { layout: [, { name: 'a', sizeGb: 1 }] }], TypeError], // eslint-disable-line no-sparse-arrays
  ['layout as text', () => ['m.gguf', { layout: 'single' }], TypeError],
  ['an empty layout', () => ['m.gguf', { layout: [] }], RangeError],
  ['a region without name', () => ['m.gguf', { layout: [{ sizeGb: 1 }] }], TypeError],
  ['a region without size', () => ['m.gguf', { layout: [{ name: 'a' }] }], TypeError],
  ['a region of 0.5 GiB', () => ['m.gguf', { layout: [{ name: 'a', sizeGb: 0.5 }] }], RangeError],
  ['a signal that is none', () => ['m.gguf', { signal: {} }], TypeError],
  ['onProgress as text', () => ['m.gguf', { onProgress: 'yes' }], TypeError],
];

test.each(wrongLoads)('loadModel with %s', async (_, args, ErrorClass) => {
  const error = await rejection(loadModel(...args()));
  expect(error).toBeInstanceOf(ErrorClass);
  expect(error.code).toBe(ErrorClass === TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE');
});

test('a layout that contains itself is only asked for names and sizes', async () => {
  const region = { name: 'a', sizeGb: 1, more: () => {} };
  region.self = region;
  const placed = await loadModel(smollm2(), { memory64: true, layout: [region] });
  await placed.close();
});

const wrongCalls = [
  ['getLayer()', () => model.getLayer(), TypeError],
  ["getLayer('0')", () => model.getLayer('0'), TypeError],
  ['getLayer(0n)', () => model.getLayer(0n), TypeError],
  ['getLayer(-1)', () => model.getLayer(-1), RangeError],
  ['getLayer(30)', () => model.getLayer(30), RangeError],
  ['getLayer(0.5)', () => model.getLayer(0.5), RangeError],
  ['getLayer(NaN)', () => model.getLayer(NaN), RangeError],
  ['getLayer(0, null)', () => model.getLayer(0, null), TypeError],
  ['getLayer(0, { signal: 1 })', () => model.getLayer(0, { signal: 1 }), TypeError],
  ['loadTensor()', () => model.loadTensor(), TypeError],
  ['preloadAllLayers(1)', () => model.preloadAllLayers(1), TypeError],
];

test.each(wrongCalls)('%s', async (_, call, ErrorClass) => {
  const error = await rejection(call());
  expect(error).toBeInstanceOf(ErrorClass);
  expect(error.message).toMatch(/ must be /);
  expect((await model.cacheStats()).cacheMisses).toBe(0);
});

const withoutOptions = {
  loadModel: () => loadModel(smollm2(), null),
  getLayer: () => model.getLayer(0, null),
  loadTensor: () => model.loadTensor('output_norm.weight', null),
  preloadAllLayers: () => model.preloadAllLayers(null),
  guest: () => model.guest(new Uint8Array(8), null),
  generate: () => model.generate('Once', null),
  generateBatch: () => model.generateBatch(['Once'], null),
  chat: () => model.chat([], null),
  session: () => model.session(null),
  sessionBytes: () => model.sessionBytes(null),
  tokenize: () => model.tokenize('Once', null),
  embed: () => model.embed('Once', null),
  plan: () => model.plan(null),
  'metadata.read': () => model.metadata['tokenizer.ggml.tokens'].read(null),
};

test.each(Object.entries(withoutOptions))('null for the options of %s', async (_, call) => {
  const error = await rejection((async () => await call())());
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toBe('options must be an object, got null');
});

test('null for the options of a session', async () => {
  const session = await model.session({ contextLength: 4 });
  for (const call of [
    () => session.generate('Once', null),
    () => session.chat([], null),
    () => session.logits([1], null),
  ]) {
    const error = await rejection((async () => await call())());
    expect(error.message).toBe('options must be an object, got null');
  }
  await session.close();
});

test('a layout too small for the model', async () => {
  const layout = [{ name: 'small', sizeGb: 2 ** 40 }];
  const error = await rejection(loadModel(smollm2(), { memory64: true, layout }));
  expect(error).toBeInstanceOf(memory64.LayoutError);
});

test('classes and codes are those of Python', () => {
  const script = [
    'import json, memory64.errors as e',
    'print(json.dumps({n: getattr(e, n).code for n in e.__all__}))',
  ].join('\n');
  const inPython = JSON.parse(runPython('-c', script));
  const classes = Object.values(memory64).filter((value) => value.code?.startsWith('ERR_'));
  const inJs = Object.fromEntries(classes.map((ErrorClass) => [ErrorClass.name, ErrorClass.code]));
  expect(inJs).toEqual(inPython);

  const types = fs.readFileSync(require.resolve('../../js/index.d.ts'), 'utf8');
  const documented = types.matchAll(/`(ERR_MEMORY64\w*)`(?:(?!\*\/).)*\*\/\nexport class (\w+)/gs);
  expect(Object.fromEntries(Array.from(documented, ([, code, name]) => [name, code]))).toEqual(
    inPython,
  );
});
