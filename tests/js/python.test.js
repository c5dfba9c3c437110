'use strict';

// What the embedded Python does to the process around it, and the process to it. Each test's Python
// has an environment of its own, with a module that it runs when it starts.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { clean, printed, runNode, script } = require('./child.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

let folder;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** Makes an environment whose Python runs that module; gives its folder of packages. */
function environment(module) {
  return runPython('tests/js/venv/environment.py', folder, module).trim();
}

function run(name, ...args) {
  const env = { MEMORY64_PYTHON: path.join(folder, 'bin', 'python') };
  const { stdout, ...end } = runNode(['--expose-gc', script(name), smollm2(), ...args], { env });
  return { ...end, results: printed(stdout) };
}

test('timers fire while the first model is loaded', () => {
  const goOn = path.join(environment('importing'), 'go-on');
  const end = run('process.js', 'start:load', 'wait:1', `touch:${goOn}`, 'answer');
  expect(end).toEqual({ ...clean, results: ['load'] });
});

test('the event loop turns while others hold the lock of Python, buffers are finalized too', () => {
  const packages = environment('hogging');
  const files = ['hog', 'held'].map((name) => path.join(packages, name));
  const [during, afterwards] = [{ answered: false }, { answered: true }];
  expect(run('turning.js', ...files)).toEqual({ ...clean, results: [during, afterwards] });
});

test('two hundred long calls at once hold up neither short ones nor Node’s own threads', () => {
  const packages = environment('waiting');
  const files = ['ready', 'go-on'].map((name) => path.join(packages, name));
  expect(run('waiting.js', ...files, '200')).toEqual({ ...clean, results: [200] });
});

// Not its own zlib everywhere: Debian links libpython itself with that, and then Node's comes first.
test('Python has its own OpenSSL, not the one that Node has', () => {
  const found = path.join(environment('openssl'), 'openssl.txt');
  expect(run('process.js', 'load', `appear:${found}`, 'close')).toMatchObject(clean);
  const own = runPython('-c', 'import ssl; print(ssl.OPENSSL_VERSION)').trim();
  expect(fs.readFileSync(found, 'utf8')).toBe(own);
});
