import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { examine } from '../../scripts/find-python.mjs';
import { buildFolder, root, venvFolder, venvProgram } from '../../scripts/paths.mjs';
import { createVenv } from '../../scripts/venv.mjs';
import { ownFolder, write } from './folder.mjs';

test('a half-made virtual environment is replaced by a working one', (t) => {
  const folder = path.join(ownFolder(t), '.venv');
  write(path.join(folder, 'bin', 'python'), 'half a file');
  const { python } = examine(venvProgram('python'));

  const made = createVenv(python, folder);

  assert.equal(made.executable, venvProgram('python', folder));
  assert.equal(made.base, python.base);
  const pip = spawnSync(made.executable, ['-m', 'pip', '--version'], { encoding: 'utf8' });
  assert.match(pip.stdout, new RegExp(`^pip .*${folder}`));
});

test('setting up a second time does nothing', () => {
  const made = [
    path.join(venvFolder, 'memory64.json'),
    path.join(buildFolder, 'Release', 'memory64.json'),
    path.join(buildFolder, 'Release', 'memory64.node'),
  ];
  const before = made.map((file) => fs.statSync(file).mtimeMs);

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, 'scripts', 'setup.mjs')],
    { encoding: 'utf8' },
  );

  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  assert.deepEqual(
    made.map((file) => fs.statSync(file).mtimeMs),
    before,
  );
});
