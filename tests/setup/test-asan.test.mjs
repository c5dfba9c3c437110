import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

import { root } from '../../scripts/paths.mjs';
import { ownFolder, write } from './folder.mjs';

test('a compiler without AddressSanitizer is named with the remedy', (t) => {
  const compiler = path.join(ownFolder(t), 'g++');
  // What a compiler says of a library that it does not have is the bare name.
  write(compiler, '#!/bin/sh\necho libasan.so\n', 0o755);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, 'scripts', 'test-asan.mjs')],
    { encoding: 'utf8', env: { ...process.env, CXX: compiler } },
  );
  assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
  assert.match(stderr, /^\nmemory64: \S+g\+\+ has no AddressSanitizer/);
  assert.match(stderr, /apt install g\+\+/);
});
