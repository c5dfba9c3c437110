import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { root } from '../../scripts/paths.mjs';
import { ownFolder, write } from './folder.mjs';

/** A copy of the command beside an interpreter that runs this shell script instead of Python. */
function commandWith(t, script) {
  const folder = ownFolder(t);
  write(path.join(folder, 'js', 'cli.js'), fs.readFileSync(path.join(root, 'js', 'cli.js')));
  if (script) write(path.join(folder, '.venv', 'bin', 'python'), `#!/bin/sh\n${script}\n`, 0o755);
  return path.join(folder, 'js', 'cli.js');
}

test('arguments reach the Python command, and its exit code comes back', () => {
  const command = path.join(root, 'js', 'cli.js');
  const run = (...args) => spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /info/);
  const failed = run('info', '/no/such/model.gguf');
  assert.notEqual(failed.status, 0);
  assert.match(failed.stderr, /\/no\/such\/model\.gguf/);
});

test('a Python that a signal ended is reported as shells do', (t) => {
  const { status } = spawnSync(process.execPath, [commandWith(t, 'kill -TERM $$')]);
  assert.equal(status, 128 + 15);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  test(`${signal} is passed on`, async (t) => {
    const script = `trap 'exit 7' ${signal.slice(3)}; echo ready; for i in $(seq 1000); do sleep 0.01; done`;
    const child = spawn(process.execPath, [commandWith(t, script)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [7, null]);
  });
}

test('a missing virtual environment is one message', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [commandWith(t)], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^memory64: .*python cannot be run \(ENOENT\)\. "npm install" makes it\.\n$/,
  );
});
