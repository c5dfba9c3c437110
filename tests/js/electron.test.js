'use strict';

// Electron itself cannot be run by this suite. What runs here is the example's preload script and
// its main-process half, with a real model between them; only Electron's channel is imitated: it
// clones what crosses it, as Electron's does.

const { loadModel } = require('../../native.js');
const { serveModels } = require('../../examples/electron/models.js');
const { llama7B, smollm2 } = require('./models.js');

const mockHandlers = new Map();
const mockListeners = new Map();
let mockFrame;
let mockPage;

const mockSender = {
  send: (channel, value) => mockListeners.get(channel)({}, structuredClone(value)),
};

jest.mock(
  'electron',
  () => ({
    contextBridge: { exposeInMainWorld: (name, api) => (mockPage = { [name]: api }) },
    ipcRenderer: {
      on: (channel, listener) => mockListeners.set(channel, listener),
      async invoke(channel, ...args) {
        const event = { sender: mockSender, senderFrame: mockFrame };
        return structuredClone(await mockHandlers.get(channel)(event, ...structuredClone(args)));
      },
    },
  }),
  { virtual: true },
);

let chosen;
let served;
let models; // as the page has it
beforeEach(() => {
  mockHandlers.clear();
  mockFrame = { url: 'file:///example/index.html' };
  chosen = smollm2();
  const ipcMain = { handle: (channel, handler) => mockHandlers.set(channel, handler) };
  served = serveModels(ipcMain, { loadModel, chooseFile: () => Promise.resolve(chosen) });
  jest.isolateModules(() => require('../../examples/electron/preload.js'));
  ({ models } = mockPage);
});
afterEach(() => served.close());

test('a model is loaded with progress, and its layers are listed', async () => {
  const fractions = [];
  models.onProgress((fraction) => fractions.push(fraction));
  const { value } = await models.open();
  expect(value).toMatchObject({ source: chosen, architecture: 'llama', layerCount: 30 });
  expect(fractions).toEqual([...fractions].sort((one, other) => one - other));
  expect(fractions.at(-1)).toBe(1);

  const { value: tensors } = await models.layer(3);
  expect(tensors).toHaveLength(9);
  expect(tensors).toContainEqual({
    name: 'blk.3.attn_q.weight',
    shape: [576, 576],
    quantType: 'Q4_1',
    bytes: 207360,
  });
});

test('loading can be cancelled, and another model opened', async () => {
  chosen = llama7B();
  models.onProgress(() => models.cancel());
  expect(await models.open()).toMatchObject({ error: { name: 'AbortError' } });
  expect((await models.layer(0)).error.message).toBe('no model is open');

  chosen = smollm2();
  models.onProgress(() => {});
  expect((await models.open()).value.layerCount).toBe(30);
});

test('closing while a model is loaded stops it', async () => {
  chosen = llama7B();
  const closed = new Promise((resolve) => {
    models.onProgress(() => resolve(served.close()));
  });
  expect(await models.open()).toMatchObject({ error: { name: 'AbortError' } });
  await closed;
});

test('a choice that is none, and one that is no model', async () => {
  chosen = undefined;
  expect(await models.open()).toEqual({ value: null });
  chosen = __filename;
  expect(await models.open()).toMatchObject({ error: { name: 'GGUFFormatError' } });
});

test('pages from elsewhere are refused', async () => {
  mockFrame = { url: 'https://example.com/' };
  await expect(models.open()).rejects.toThrow('models:open is not for this page');
  mockFrame = null;
  await expect(models.layer(0)).rejects.toThrow('models:layer is not for this page');
});
