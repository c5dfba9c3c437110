'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/** Loads the package in a process whose MEMORY64_ADDON names a file. */
function loadNaming(file) {
  const script =
    "try { require('./native.js'); console.log('loaded'); } catch (e) { console.log(e.name, e.message); }";
  const { stdout } = spawnSync(process.execPath, ['--eval', script], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, MEMORY64_ADDON: file },
    timeout: 60_000,
  });
  return stdout.trim();
}

describe('MEMORY64_ADDON', () => {
  let folder;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test('names a build, from the working directory', () => {
    expect(loadNaming(path.join('build', 'Release', 'memory64.node'))).toBe('loaded');
  });

  test('is called wrong where there is no such file', () => {
    const file = path.join(folder, 'missing.node');
    expect(loadNaming(file)).toBe(
      `Memory64Error MEMORY64_ADDON names ${file}, which cannot be loaded: there is no such ` +
        'file. Name a build of the addon (npm run build:debug makes one), or unset it.',
    );
  });

  test('is called wrong where the file is not an addon', () => {
    const file = path.join(folder, 'text.node');
    fs.writeFileSync(file, 'not a library');
    expect(loadNaming(file)).toMatch(
      new RegExp(
        `^Memory64Error MEMORY64_ADDON names ${file}, which cannot be loaded: .+ or unset`,
      ),
    );
  });
});
