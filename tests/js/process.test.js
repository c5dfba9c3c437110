'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { clean, printed, root, runNode, script } = require('./child.js');
const { smollm2 } = require('./models.js');

const model = smollm2();

function run(steps, env) {
  const { stdout, ...end } = runNode([script('process.js'), model, ...steps], { env });
  return { ...end, results: printed(stdout) };
}

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
    const source = `
      import memory64, { loadModel, Model, Memory64Error } from '${entry}';
      const model = await loadModel(${JSON.stringify(model)});
      console.log(model instanceof Model, memory64.loadModel === loadModel, Memory64Error.code);
    `;
    const result = runNode(['--input-type=module', '--eval', source]);
    expect(result).toMatchObject({ ...clean, stdout: 'true true ERR_MEMORY64\n' });
  });

  test('by import and require as one', () => {
    const source = `
      import { createRequire } from 'node:module';
      import { Model } from '${entry}';
      console.log(createRequire('${entry}')('./native').Model === Model);
    `;
    const result = runNode(['--input-type=module', '--eval', source]);
    expect(result).toMatchObject({ ...clean, stdout: 'true\n' });
  });
});
