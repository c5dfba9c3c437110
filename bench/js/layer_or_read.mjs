// PATH EXTENTS: for each layer, what its bytes cost by getLayer and by two ways to read them at the
// [offset, size] that EXTENTS has for it, in JSON.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadModel } from '../../native.mjs';
import { held } from './memory.mjs';

const PAGE_BYTES = 4096;

const [path, json] = process.argv.slice(2);
const extents = JSON.parse(json);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const model = await loadModel(path);
const handle = await fs.promises.open(path);

const ways = {
  async getLayer(id) {
    return Array.from(await model.getLayer(id), (tensor) => tensor.data);
  },
  async 'FileHandle.read'(id) {
    const [offset, size] = extents[id];
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, offset);
    assert.equal(bytesRead, size);
    return [buffer];
  },
  'fs.readSync'(id) {
    const [offset, size] = extents[id];
    const buffer = Buffer.allocUnsafe(size);
    assert.equal(fs.readSync(handle.fd, buffer, 0, size, offset), size);
    return [buffer];
  },
};

function touch(parts) {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PAGE_BYTES) sum += part[at];
  }
  return sum;
}

async function turn(way, id) {
  // What the turn before left behind is not to be given back in this one. The second collection
  // waits for the thread that frees what the first one found.
  collectGarbage();
  collectGarbage();
  const before = held().anonymousBytes;
  const started = performance.now();
  const parts = await way(id);
  const there = performance.now();
  const sum = touch(parts);
  const touched = performance.now();
  return {
    seconds: (there - started) / 1000,
    touchedSeconds: (touched - started) / 1000,
    anonymousBytes: held().anonymousBytes - before,
    sum,
  };
}

const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let id = 0; id < model.layerCount; id += 1) {
  for (const [name, way] of Object.entries(ways)) results[name].push(await turn(way, id));
  await model.clearCache();
}
console.log(JSON.stringify(results));
await handle.close();
await model.close();
