'use strict';

const { clean, printed, runNode, script } = require('./child.js');
const { smollm2 } = require('./models.js');

const model = smollm2();

// What a round may add is less than what it would add if it left one thing of its own behind: each
// call makes a job of 352 bytes, a model's directory takes some hundred kB, and it has a file
// descriptor and 6 mappings. (Measured without a leak: some tens of bytes; up to 1,200 where whole
// models come and go, and more where loads are aborted or workers end, whose models are collected
// several at a time.)
const JOB = 256;
const MODEL = 4_096;
const SEVERAL_MODELS = 24_576;

// Heaps that grow by chance would look like leaks: V8 doubles the room for new objects when it
// sees fit, and malloc gives a thread any of several heaps.
const STEADY = { flags: ['--max-semi-space-size=1'], env: { MALLOC_ARENA_MAX: '1' } };

test.each([
  ['models', 2_000, MODEL],
  ['dropped models', 1_500, MODEL],
  ['layers', 8_000, JOB],
  ['tensors', 12_000, JOB],
  ['failures', 10_000, JOB],
  ['aborted calls', 10_000, JOB],
  ['aborted loads', 1_000, SEVERAL_MODELS],
  ['workers', 150, SEVERAL_MODELS],
])('nothing is left behind: %s, %d rounds', (kind, rounds, bytes) => {
  const { stdout, ...end } = runNode(
    [...STEADY.flags, '--expose-gc', script('leak.js'), model, kind, String(rounds)],
    { env: STEADY.env },
  );
  expect(end).toEqual(clean);
  const [growth] = printed(stdout);
  console.info(`${kind}: growth per round over ${rounds} rounds: ${JSON.stringify(growth)}`);
  expect(growth.bytes).toBeLessThan(bytes);
  expect(growth.descriptors).toBeLessThan(0.5);
  expect(growth.mappings).toBeLessThan(0.5);
  expect(growth.threads).toBeLessThan(0.5);
});
