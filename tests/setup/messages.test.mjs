import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

import { excerpt } from '../../scripts/failure.mjs';
import { root } from '../../scripts/paths.mjs';
import { causeOf, run } from '../../scripts/run.mjs';

const FAILURE = path.join(root, 'scripts', 'failure.mjs');

function runMain(body) {
  const program = `import { Failure, main } from '${FAILURE}'; await main(() => { ${body} });`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
}

test('a failure is one message and exit code 1, without a stack', () => {
  const { status, stdout, stderr } = runMain("throw new Failure('No X.', 'Install X.');");
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.equal(stderr, '\nmemory64: No X.\n\nInstall X.\n\n');
});

test('a full disk and a folder that may not be written are failures too', () => {
  const full = runMain("throw Object.assign(new Error(), { code: 'ENOSPC', path: '/there' });");
  assert.match(full.stderr, /^\nmemory64: The disk is full: \/there /);
  const barred = runMain("throw Object.assign(new Error(), { code: 'EACCES', path: '/there' });");
  assert.match(barred.stderr, /^\nmemory64: \/there may not be written \(EACCES\)/);
  assert.deepEqual([full.status, barred.status], [1, 1]);
});

test('a mistake in the set-up itself keeps its stack', () => {
  const { status, stderr } = runMain('undefined.x;');
  assert.equal(status, 1);
  assert.match(stderr, /TypeError[^]* at /);
});

test('what a tool printed tells a full disk and a missing network from all else', () => {
  assert.equal(causeOf('OSError: [Errno 28] No space left on device'), 'disk');
  assert.equal(causeOf('npm error code ENOSPC'), 'disk');
  assert.equal(causeOf('npm error code EAI_AGAIN'), 'network');
  assert.equal(causeOf('Could not find a version of x (from versions: none)'), 'network');
  assert.equal(causeOf('error: expected ; before }'), undefined);
});

test('the excerpt begins at the first error, or else shows the end', () => {
  const chatter = Array.from({ length: 100 }, (_, line) => `line ${line}`);
  assert.equal(
    excerpt(['CXX a.o', 'a.cc:1: error: no', 'make: failed'].join('\n')),
    ['  | a.cc:1: error: no', '  | make: failed'].join('\n'),
  );
  assert.match(excerpt(chatter.join('\n')), /^ {2}\| line 75\n[^]*line 99$/);
});

test('a program that is not there is told from one that fails', () => {
  assert.equal(run('memory64-no-such-program', []).missing, true);
  assert.deepEqual(run('sh', ['-c', 'echo out; echo err >&2; exit 3']), {
    ok: false,
    stdout: 'out\n',
    output: 'out\nerr\n',
    missing: false,
  });
});
