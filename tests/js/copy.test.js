'use strict';

// What hosts that forbid external buffers (Electron) get: copies. The three ways to be such a host
// without being one are run here, each in a process of its own.

const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { clean, root, runNode } = require('./child.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const TENSORS = ['blk.0.ffn_down.weight', 'blk.7.attn_norm.weight', 'output_norm.weight'];

const model = smollm2();
const reference = JSON.parse(runPython('tests/js/reference.py', model, ...TENSORS));
const builds = JSON.parse(
  execFileSync(process.execPath, ['scripts/build-copying.mjs'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1),
);

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The hashes of a layer's tensors by name, as the file itself has them. */
function layerInFile(id) {
  const file = fs.readFileSync(model);
  const entries = reference.tensors.filter(({ name }) => name.startsWith(`blk.${id}.`));
  return Object.fromEntries(
    entries.map(({ name, fileOffset, nbytes }) => [
      name,
      sha256(file.subarray(fileOffset, fileOffset + nbytes)),
    ]),
  );
}

function observe(env) {
  const args = [path.join(__dirname, 'observe.js'), model, ...TENSORS];
  const { stdout, ...end } = runNode(args, { env });
  return { end, stdout };
}

const before = [layerInFile(0), layerInFile(1)];

describe.each([
  ['that MEMORY64_FORCE_COPY asks for', { MEMORY64_FORCE_COPY: '1' }],
  ['whose headers lack external buffers', { MEMORY64_ADDON: builds.compiled }],
  ['that refuses external buffers at run time', { MEMORY64_ADDON: builds.patched }],
])('on a host %s', (_, env) => {
  let end;
  let stdout;
  beforeAll(() => {
    ({ end, stdout } = observe(env));
  });

  test('the process ends cleanly', () => {
    expect(end).toEqual(clean);
  });

  describe.each(['the main thread', 'a worker'])('%s', (thread) => {
    let layers;
    let values;
    beforeAll(() => {
      ({ layers, values } = JSON.parse(stdout)[thread]);
    });

    test('gets the bytes of the file, in a copy each time', () => {
      expect(layers.read).toEqual([before[0], before[1], before[0]]);
      expect(layers.shared).toBe(false);
    });

    test('cannot write into other copies, the cache or the file', () => {
      expect(layers.overwritten).toEqual([before[0], before[0]]);
      expect(layers.reloaded).toEqual(before);
      expect([layerInFile(0), layerInFile(1)]).toEqual(before);
    });

    test('gets values that are right and its own', () => {
      expect(values).toEqual(
        TENSORS.map((name) => [name, reference.values[name], reference.values[name]]),
      );
    });
  });
});

test('everywhere else there is no copy', () => {
  const { end, stdout } = observe({});
  expect(end).toEqual(clean);
  const { layers } = JSON.parse(stdout)['the main thread'];
  expect(layers.shared).toBe(true);
  expect(layers.read).toEqual([before[0], before[1], before[0]]);
  expect(layers.overwritten[0]).not.toEqual(before[0]);
});
