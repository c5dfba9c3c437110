'use strict';

// The package as others get it: packed, and installed in an empty project.

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const INSTALL_MS = 300_000;

const root = path.join(__dirname, '..', '..');
const consumer = path.join(root, 'tests', 'types', 'consumer');
const model = smollm2();

const MAY_HOLD = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE-(MIT|APACHE)|binding\.gyp)$/,
  /^native\.(js|mjs|d\.mts)$/,
  /^js\/[\w-]+\.(js|d\.ts)$/,
  /^addon\/\w+\.(cc|h|py)$/,
  /^python\/(pyproject\.toml|memory64\/(\w+\/)*(\w+\.py|py\.typed))$/,
  /^python\/memory64\/guest\/(engine\/\w+\.[ch]|include\/memory64\.(h|rs))$/,
  /^scripts\/[\w-]+\.(mjs|py)$/,
];
const MUST_HOLD = [
  'LICENSE-MIT',
  'LICENSE-APACHE',
  'js/index.d.ts',
  'python/memory64/py.typed',
  'python/memory64/guest/engine/transformer.c',
  'python/memory64/guest/include/memory64.h',
];
const MOST_BYTES = 300_000;

let folder;
let project;
let packed;

/** Runs a program in the project, without what this test runner's npm told its own children. */
async function run(program, args, env) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: project,
    env: { ...Object.fromEntries(own), ...env },
  });
  return stdout;
}

function npm(args, env) {
  return run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], env);
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-package-'));
  project = path.join(folder, 'a projet été 語');
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  [packed] = JSON.parse(output);
  // The base of our own virtual environment: another Python need not have what it takes.
  const { base } = JSON.parse(fs.readFileSync(path.join(root, '.venv', 'memory64.json'), 'utf8'));
  await npm(['install', path.join(folder, packed.filename)], { MEMORY64_PYTHON: base });
}, INSTALL_MS);
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('the package holds what it needs, and nothing else', () => {
  const names = packed.files.map((file) => file.path);
  expect(names.filter((name) => !MAY_HOLD.some((pattern) => pattern.test(name)))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(MUST_HOLD));
  expect(packed.size).toBeLessThan(MOST_BYTES);
});

const tsc = createRequire(require.resolve('tsd')).resolve('@tsd/typescript/typescript/bin/tsc');
const compilers = [
  ['node16', ['--module', 'node16']],
  ['bundler', ['--module', 'preserve', '--moduleResolution', 'bundler']],
];

test.each(compilers)(
  'programs that import and require it compile, resolving as %s, and run',
  async (_, options) => {
    const sources = ['import.mts', 'require.cts'];
    for (const name of sources) {
      fs.copyFileSync(path.join(consumer, name), path.join(project, name));
    }
    const strict = ['--strict', '--target', 'es2022', '--lib', 'esnext,dom', '--outDir', 'out'];
    const compiled = run(process.execPath, [tsc, ...options, ...strict, ...sources]);
    expect(await compiled.catch(({ stdout }) => stdout)).toBe('');

    const bytes = bytesInFile('blk.3.attn_q.weight').toString('base64');
    for (const program of ['import.mjs', 'require.cjs']) {
      const printed = await run(process.execPath, [path.join('out', program), model]);
      expect(JSON.parse(printed)).toEqual({ bytes, code: 'ERR_MEMORY64_CLOSED' });
    }
  },
  60_000,
);

function bytesInFile(wanted) {
  const { tensors } = JSON.parse(runPython('tests/js/reference.py', model));
  const { fileOffset, nbytes } = tensors.find(({ name }) => name === wanted);
  return fs.readFileSync(model).subarray(fileOffset, fileOffset + nbytes);
}

test('import and require name the same things', async () => {
  const script = `
    import * as imported from 'memory64';
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('memory64');
    const { default: whole, 'module.exports': same, ...names } = imported;
    console.log(whole === required, Object.keys(required).every((name) => names[name] === required[name]));
  `;
  expect(await run(process.execPath, ['--input-type=module', '--eval', script])).toBe(
    'true true\n',
  );
});

test('npx memory64 says what is in a model', async () => {
  const { layers } = JSON.parse(await run('npx', ['memory64', 'info', '--json', model]));
  expect(layers).toBe(30);
});

test('uninstalled, it leaves nothing', async () => {
  await npm(['uninstall', 'memory64']);
  const left = fs.readdirSync(path.join(project, 'node_modules'), {
    recursive: true,
    withFileTypes: true,
  });
  // npm leaves folders of scopes behind, and its own record.
  const files = left.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  expect(files).toEqual(['.package-lock.json']);
}, 60_000);
