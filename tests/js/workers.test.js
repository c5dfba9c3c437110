'use strict';

const { clean, printed, runNode, script } = require('./child.js');
const { digestInFile } = require('./digest.js');
const { llama7B, smollm2 } = require('./models.js');

const model = smollm2();
const digestOf3 = digestInFile(model, 3);
const calls = ['load', 'layer', 'preload', 'tensor', 'generate', 'chat'];

function run(name, ...args) {
  return runWith([], name, ...args);
}

function runWith(flags, name, ...args) {
  const { stdout, ...end } = runNode([...flags, script(name), model, ...args]);
  return { ...end, results: printed(stdout) };
}

const inMain = { results: [30, digestOf3] };
const inWorker = { ...inMain, exitCode: 0 };

test.each([
  ['a worker', ['worker']],
  ['the main thread and a worker', ['main', 'worker']],
  ['several workers', ['worker', 'worker', 'worker', 'worker']],
  ['the main thread and several workers', ['main', 'worker', 'worker', 'worker']],
])('the same file is open in %s at once', (_, threads) => {
  const end = run('threads.js', ...threads.map((thread) => `${thread}:load,digest:3,close`));
  const results = threads.map((thread) => (thread === 'main' ? inMain : inWorker));
  expect(end).toEqual({ ...clean, results });
});

test.each(calls)('a worker that has nothing else to do awaits its calls (%s)', (call) => {
  const end = run('threads.js', `worker:load,leave:${call}`);
  expect(end).toEqual({ ...clean, results: [{ results: [30, call], exitCode: 0 }] });
});

test.each(calls)('process.exit in a worker ends that worker alone (%s)', (call) => {
  const end = run('threads.js', 'main:load,digest:3,close', `worker:load,keep:${call},exit`);
  const left = { results: [30, call], exitCode: 7 };
  expect(end).toEqual({ ...clean, results: [inMain, left] });
});

test.each(calls)('process.exit in the main thread keeps its status (%s)', (call) => {
  const worker = `worker:load,keep:${call}`;
  const end = run('threads.js', worker, worker, 'main:load,digest:3,exit');
  expect(end).toEqual({ ...clean, status: 7, results: [] });
});

test.each(calls)('workers are terminated in the middle of a call, forty times (%s)', (call) => {
  const end = run('terminate.js', call, '40');
  expect(end).toEqual({ ...clean, results: [[1], [digestOf3]] });
});

test('workers are terminated while their layers are copied, forty times', () => {
  const copying = { env: { MEMORY64_FORCE_COPY: '1' } };
  const { stdout, ...end } = runNode([script('terminate.js'), llama7B(), 'layer', '40'], copying);
  expect(end).toEqual(clean);
  expect(printed(stdout)).toEqual([[1], [expect.any(String)]]);
});

test('a worker that ends while Python starts leaves it to the main thread', () => {
  const end = run('threads.js', 'worker:start:load,exit', 'main:load,digest:3,close');
  expect(end).toEqual({ ...clean, results: [{ results: [], exitCode: 7 }, inMain] });
});

describe('bytes that a worker hands over stay true when it has ended', () => {
  const refuses = !process.version.startsWith('v20.'); // which copies instead
  const refusal = 'DataCloneError';

  test.each([
    ['copied', true],
    ['listed', refuses ? refusal : true],
    ['cloned', refuses ? refusal : true],
    ['moved', 'TypeError'],
  ])('%s', (way, expected) => {
    // Node 20 has it, but not unasked.
    const transfer = ArrayBuffer.prototype.transfer ? [] : ['--harmony-rab-gsab-transfer'];
    const end = runWith(['--expose-gc', ...transfer], 'handover.js', way);
    const twice = [expected, expected];
    expect(end).toEqual({ ...clean, results: [[twice, twice]] });
  });
});
