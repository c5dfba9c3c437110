'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { clean, printed, runNode, script } = require('./child.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

// Where text is made, a small one: the strings of a large vocabulary do not fit each other's places.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
const tiny = path.join(folder, 'tiny.gguf');
const generate = 'import pathlib, sys; from models import generate; ';
runPython('-c', `${generate}generate.tiny(pathlib.Path(sys.argv[1]))`, tiny);
afterAll(() => fs.rmSync(folder, { recursive: true }));

// What a round may add is less than what it would add if it left one thing of its own behind: each
// call makes a job of 352 bytes, a generation takes some kB, a model's directory some hundred kB,
// and it has a file descriptor and 6 mappings. (Measured without a leak: some tens of bytes; up to
// 300 where text is made; up to 1,200 where whole models come and go, and more where loads are
// aborted or workers end.)
const JOB = 256;
const GENERATION = 1_024;
const MODEL = 4_096;
const SEVERAL_MODELS = 24_576;

// Heaps that grow by chance would look like leaks: V8 doubles the room for new objects when it
// sees fit, and malloc gives a thread any of several heaps.
const STEADY = { flags: ['--max-semi-space-size=1'], env: { MALLOC_ARENA_MAX: '1' } };

test.each([
  ['models', 2_000, MODEL, smollm2()],
  ['dropped models', 1_500, MODEL, smollm2()],
  ['layers', 8_000, JOB, smollm2()],
  ['tensors', 12_000, JOB, smollm2()],
  ['failures', 10_000, JOB, smollm2()],
  ['aborted calls', 10_000, JOB, smollm2()],
  ['aborted loads', 1_000, SEVERAL_MODELS, smollm2()],
  ['models that generate', 800, MODEL, tiny],
  ['sessions', 6_000, GENERATION, tiny],
  ['aborted generations', 6_000, GENERATION, tiny],
  ['workers', 150, SEVERAL_MODELS, smollm2()],
  ['workers that generate', 300, SEVERAL_MODELS, tiny],
])('nothing is left behind: %s, %d rounds', (kind, rounds, bytes, model) => {
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
