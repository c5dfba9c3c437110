'use strict';

const autocannon = require('autocannon');
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');

const { gemma, llama7B, smollm2 } = require('./models.js');
const { runPython } = require('./python.js');
const { startServer } = require('./server.js');

const root = path.join(__dirname, '..', '..');
const small = smollm2();
const file = fs.readFileSync(small);
const { tensors } = JSON.parse(runPython('tests/js/reference.py', small));
const layerCount = 30;
const clean = { status: 0, signal: null, stderr: '' };

/** What the server should say about a layer. */
function layerInFile(id) {
  const inLayer = tensors.filter(({ name }) => name.startsWith(`blk.${id}.`));
  const described = inLayer.map(({ name, shape, quantType, nbytes }) => ({
    name,
    shape,
    quantType,
    bytes: nbytes,
  }));
  return { id, tensors: described };
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function hashInFile(id, name) {
  const { fileOffset, nbytes } = tensors.find((tensor) => tensor.name === `blk.${id}.${name}`);
  return sha256(file.subarray(fileOffset, fileOffset + nbytes));
}

async function getJson(url, route) {
  return (await fetch(url + route)).json();
}

async function hashFrom(url, route) {
  return sha256(Buffer.from(await (await fetch(url + route)).arrayBuffer()));
}

let folder; // with the example in it as npm would install it
let script;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-example-'));
  fs.cpSync(path.join(root, 'examples', 'fastify'), folder, { recursive: true });
  const packages = path.join(folder, 'node_modules');
  fs.mkdirSync(packages);
  fs.symlinkSync(root, path.join(packages, 'memory64'));
  fs.symlinkSync(path.join(root, 'node_modules', 'fastify'), path.join(packages, 'fastify'));
  script = path.join(folder, 'server.mjs');
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

let server;
async function start(...args) {
  server = await startServer([script, '--port', '0', ...args]);
  return server.url;
}
afterEach(async () => {
  await server?.stop('SIGKILL');
  server = undefined;
});

test('--help and a wrong call', () => {
  const call = (...args) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  expect(call('--help')).toMatchObject({ ...clean, stdout: expect.stringMatching(/^Usage: /) });
  expect(call()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^Usage: /) });
});

test('every route gives what is in the file', async () => {
  const url = await start(small);
  expect(await getJson(url, '/health')).toEqual({
    status: 'ok',
    architecture: 'llama',
    layerCount,
    sizeBytes: file.length,
  });
  expect(await getJson(url, '/layers/3')).toEqual(layerInFile(3));
  expect(await hashFrom(url, '/layers/29?tensor=ffn_up.weight')).toBe(
    hashInFile(29, 'ffn_up.weight'),
  );
  expect(await getJson(url, '/stats')).toMatchObject({ cachedLayers: layerCount, hitRate: 1 });
  expect(await server.stop('SIGINT')).toMatchObject(clean);
});

test.each([
  ['GET', '/layers/32', 404, 'ERR_OUT_OF_RANGE'],
  ['GET', '/layers/three', 400, 'FST_ERR_VALIDATION'],
  ['GET', '/layers/3?tensor=nix', 404, 'ERR_MEMORY64_TENSOR_NOT_FOUND'],
  ['POST', '/preload', 503, 'ERR_MEMORY64_CAPACITY'],
])('%s %s is a %i', async (method, route, status, code) => {
  const url = await start(llama7B(), '--capacity-bytes', '500000000');
  const response = await fetch(url + route, { method });
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ code, message: expect.any(String) });
});

describe('a preload of a large model', () => {
  const large = llama7B();
  const largeLayerCount = 32;

  /**
   * Starts a server in whose Python a preload waits for the file `go-on`, and asks for one; gives
   * the request and a promise of its response once it waits.
   */
  async function startPreload() {
    const python = fs.mkdtempSync(path.join(folder, 'python-'));
    const packages = runPython('tests/js/venv/environment.py', python, 'holding').trim();
    const env = { MEMORY64_PYTHON: path.join(python, 'bin', 'python') };
    server = await startServer([script, '--port', '0', large], { env });
    const { url } = server;
    const request = http.request(`${url}/preload`, { method: 'POST' });
    const answered = new Promise((resolve) => {
      request.on('response', (response) => resolve(response.resume()));
      request.on('error', resolve); // the disconnect, as the client sees it
    });
    request.end();
    await appear(path.join(packages, 'waiting'));
    return { url, request, answered, packages };
  }

  test('stops when the client leaves', async () => {
    const { url, request, packages } = await startPreload();
    request.destroy();
    await appear(path.join(packages, 'over'));
    expect((await getJson(url, '/stats')).cachedLayers).toBe(1);
  });

  test('is finished before a shutdown', async () => {
    const { url, answered, packages } = await startPreload();
    const stopped = server.stop('SIGTERM');
    while (await isServing(url));
    fs.writeFileSync(path.join(packages, 'go-on'), '');
    expect(await answered).toMatchObject({ statusCode: 200, headers: { connection: 'close' } });
    expect(await stopped).toMatchObject(clean);
  });

  test('is not taken for abandoned once a body has been read', async () => {
    const url = await start(large);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/preload`, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ cachedLayers: largeLayerCount });
  });
});

async function appear(name) {
  while (!fs.existsSync(name)) await wait(1);
}

/** A server that closes refuses what is new. */
function isServing(url) {
  return fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

test('2,000 requests over 50 connections beside a preload and a model opened in a loop', async () => {
  server = await startServer([path.join(__dirname, 'busy-server.mjs'), small, llama7B(), gemma()]);
  const { url } = server;
  const wrong = [];
  const checked = (route, isRight) => ({
    path: route,
    onResponse(status, body, context, headers) {
      if (status !== 200 || !isRight(body, headers)) wrong.push([route, status, body]);
    },
  });
  const requests = Array.from({ length: layerCount }, (_, id) => {
    const layer = JSON.stringify(layerInFile(id));
    const bytes = String(
      layerInFile(id).tensors.find(({ name }) => name.endsWith('attn_q.weight')).bytes,
    );
    return [
      checked('/health', (body) => JSON.parse(body).layerCount === layerCount),
      checked('/stats', (body) => JSON.parse(body).cachedLayers <= 8),
      checked(`/layers/${id}`, (body) => body === layer),
      checked(
        `/layers/${id}?tensor=attn_q.weight`,
        (body, headers) => headers['content-length'] === bytes,
      ),
    ];
  }).flat();

  const driven = autocannon({ url, connections: 50, amount: 2000, requests, timeout: 60 });
  for (let id = 0; id < layerCount; id += 1) {
    const hash = await hashFrom(url, `/layers/${id}?tensor=attn_v.weight`);
    expect(hash).toBe(hashInFile(id, 'attn_v.weight'));
  }
  const result = await driven;
  expect(wrong).toEqual([]);
  expect(result).toMatchObject({ '2xx': 2000, non2xx: 0, errors: 0, timeouts: 0, resets: 0 });

  const { stdout, ...end } = await server.stop('SIGTERM');
  expect(end).toEqual(clean);
  const { preloads, openings } = JSON.parse(stdout.trim().split('\n').at(-1));
  expect(preloads).toBeGreaterThan(0);
  expect(openings).toBeGreaterThan(0);
  const { p50, p99, max } = result.latency;
  process.stdout.write(
    `2,000 requests beside ${preloads} preloads of 4 GB and ${openings} openings: ` +
      `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms\n`,
  );
});
