import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';

import { Failure } from '../../scripts/failure.mjs';
import { findPython } from '../../scripts/find-python.mjs';
import { ownFolder, write } from './folder.mjs';

const SOUND = {
  executable: '/usr/bin/python3',
  base: '/usr/bin/python3.12',
  implementation: 'cpython',
  version: [3, 12, 1],
  include: '/usr/include/python3.12',
  hasHeaders: true,
  libpython: '/usr/lib/libpython3.12.so.1.0',
  libraryFolder: '/usr/lib',
  missingModules: [],
};

/** An interpreter that answers the probe with these facts. */
function fakePython(folder, name, facts) {
  const answer = JSON.stringify({ ...SOUND, ...facts });
  write(path.join(folder, name), `#!/bin/sh\necho '${answer}'\n`, 0o755);
}

function failureOf(env) {
  try {
    findPython(env);
  } catch (error) {
    assert.ok(error instanceof Failure, error.stack);
    return `${error.message}\n${error.remedy}`;
  }
  return assert.fail('a Python was found');
}

test('a sound interpreter on PATH is taken', (t) => {
  const folder = ownFolder(t);
  fakePython(folder, 'python3', { version: [3, 13, 0] });
  assert.deepEqual(findPython({ PATH: folder }).version, [3, 13, 0]);
});

for (const { what, facts, says } of [
  { what: 'too old', facts: { version: [3, 10, 4] }, says: [/3\.10\.4/, /older than 3\.11/] },
  {
    what: 'without headers',
    facts: { hasHeaders: false },
    says: [/no Python\.h in \/usr\/include\/python3\.12/, /apt install python3-dev/],
  },
  {
    what: 'without a shared library',
    facts: { libpython: null },
    says: [/no shared libpython in \/usr\/lib/, /libpython3-dev/, /--enable-shared/],
  },
  {
    what: 'without ensurepip',
    facts: { missingModules: ['ensurepip'] },
    says: [/lacks the module ensurepip/, /apt install python3-venv/],
  },
  { what: 'not CPython', facts: { implementation: 'pypy' }, says: [/is pypy, not CPython/] },
]) {
  test(`an interpreter ${what} is rejected with the reason`, (t) => {
    const folder = ownFolder(t);
    fakePython(folder, 'python3', facts);
    const message = failureOf({ PATH: folder });
    assert.ok(message.includes(path.join(folder, 'python3')), message);
    for (const pattern of says) assert.match(message, pattern);
  });

  test(`an interpreter ${what} is passed over for a sound one`, (t) => {
    const folder = ownFolder(t);
    fakePython(folder, 'python3', facts);
    fakePython(folder, 'python3.12', {});
    assert.deepEqual(findPython({ PATH: folder }).version, [3, 12, 1]);
  });
}

test('a later folder of PATH is searched when the first python3 will not do', (t) => {
  const [first, second] = [ownFolder(t), ownFolder(t)];
  fakePython(first, 'python3', { libpython: null });
  fakePython(second, 'python3', {});
  assert.deepEqual(findPython({ PATH: `${first}:${second}` }).version, [3, 12, 1]);
});

test('every rejected interpreter is listed', (t) => {
  const folder = ownFolder(t);
  fakePython(folder, 'python3', { version: [3, 9, 2] });
  fakePython(folder, 'python3.13', { version: [3, 13, 0], hasHeaders: false });
  const message = failureOf({ PATH: folder });
  assert.match(message, /python3 \(3\.9\.2\) is older/);
  assert.match(message, /python3\.13 \(3\.13\.0\) has no header files/);
});

test('an interpreter that cannot run is rejected with its own words', (t) => {
  const folder = ownFolder(t);
  write(path.join(folder, 'python3'), '#!/bin/sh\necho not configured >&2\nexit 127\n', 0o755);
  assert.match(failureOf({ PATH: folder }), /cannot be run as a Python \(not configured\)/);
});

test('a program that answers nonsense is no Python', (t) => {
  const folder = ownFolder(t);
  write(path.join(folder, 'python3'), '#!/bin/sh\necho hello\n', 0o755);
  assert.match(failureOf({ PATH: folder }), /cannot be run as a Python \(hello\)/);
});

test('no Python at all names the packages to install', (t) => {
  const message = failureOf({ PATH: ownFolder(t) });
  assert.match(message, /nothing by the name of python3/);
  assert.match(message, /apt install python3 python3-dev python3-venv/);
});

test('MEMORY64_PYTHON is taken before PATH', (t) => {
  const [named, onPath] = [ownFolder(t), ownFolder(t)];
  fakePython(named, 'mine', { version: [3, 11, 9] });
  fakePython(onPath, 'python3', {});
  const env = { PATH: onPath, MEMORY64_PYTHON: path.join(named, 'mine') };
  assert.deepEqual(findPython(env).version, [3, 11, 9]);
});

test('a wrong MEMORY64_PYTHON is an error, though PATH has a sound one', (t) => {
  const folder = ownFolder(t);
  fakePython(folder, 'python3', {});
  const message = failureOf({ PATH: folder, MEMORY64_PYTHON: path.join(folder, 'missing') });
  assert.match(message, /MEMORY64_PYTHON does not name a Python/);
  assert.match(message, /missing cannot be run/);
});
