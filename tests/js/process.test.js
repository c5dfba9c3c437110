'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { smollm2 } = require('./models.js');

const root = path.join(__dirname, '..', '..');
const model = smollm2();

function node(args, env) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

function run(steps, env) {
  const { stdout, ...end } = node([path.join(__dirname, 'steps.js'), model, ...steps], env);
  return { ...end, results: stdout.split('\n').filter(Boolean).map(JSON.parse) };
}

const clean = { status: 0, signal: null, stderr: '' };

test.each([
  [[]],
  [['load']],
  [['load', 'layer']],
  [['load', 'layer', 'close']],
  [['load', 'layer', 'startPreload']],
  [['startLoad']],
])('a process ends by itself after %j', (steps) => {
  expect(run(steps)).toMatchObject(clean);
});

test.each([
  [['startLoad', 'exit']],
  [['startLoad', 'turn', 'exit']],
  [['load', 'exit']],
  [['load', 'layer', 'exit']],
  [['load', 'startPreload', 'exit']],
  [['load', 'startPreload', 'turn', 'exit']],
])('process.exit keeps its status after %j', (steps) => {
  expect(run(steps)).toMatchObject({ ...clean, status: 7 });
});

test('an uncaught error ends the process as usual in the middle of a job', () => {
  const { status, signal, stderr } = run(['load', 'startPreload', 'throw']);
  expect({ status, signal }).toEqual({ status: 1, signal: null });
  expect(stderr).toContain('Error: uncaught');
});

test('timers fire while the first model is loaded', () => {
  expect(run(['tickWhileLoading']).results).toEqual([true]);
});

describe('a Python that cannot be started', () => {
  let folder;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test('is named when it is missing', () => {
    const missing = path.join(folder, 'bin', 'python');
    const { results, ...end } = run(['fail', 'fail'], { MEMORY64_PYTHON: missing });
    expect(end).toMatchObject(clean);
    expect(results).toHaveLength(2);
    for (const message of results) expect(message).toContain(missing);
  });

  test('is named when it is of another version', () => {
    const python = path.join(folder, 'bin', 'python');
    fs.mkdirSync(path.join(folder, 'bin'));
    fs.symlinkSync(process.execPath, python);
    fs.mkdirSync(path.join(folder, 'lib', 'python2.7'), { recursive: true });
    const { results, ...end } = run(['fail'], { MEMORY64_PYTHON: python });
    expect(end).toMatchObject(clean);
    expect(results[0]).toMatch(/is not Python 3\.\d+, for which this addon was built/);
    expect(results[0]).toContain('npm install');
  });
});

describe('the package is loaded', () => {
  const entry = pathToFileURL(path.join(root, 'native.mjs'));

  test('by import, with named exports', () => {
    const script = `
      import memory64, { loadModel, Model, Memory64Error } from '${entry}';
      const model = await loadModel(${JSON.stringify(model)});
      console.log(model instanceof Model, memory64.loadModel === loadModel, Memory64Error.code);
    `;
    const result = node(['--input-type=module', '--eval', script]);
    expect(result).toMatchObject({ ...clean, stdout: 'true true ERR_MEMORY64\n' });
  });

  test('by import and require as one', () => {
    const script = `
      import { createRequire } from 'node:module';
      import { Model } from '${entry}';
      console.log(createRequire('${entry}')('./native').Model === Model);
    `;
    const result = node(['--input-type=module', '--eval', script]);
    expect(result).toMatchObject({ ...clean, stdout: 'true\n' });
  });
});
