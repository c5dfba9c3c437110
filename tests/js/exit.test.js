'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { clean, printed, runNode, script } = require('./child.js');
const { digestInFile } = require('./digest.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const model = smollm2();
const digestOf3 = digestInFile(model, 3);
const calls = ['load', 'layer', 'preload', 'tensor', 'generate', 'chat'];

function run(steps, env) {
  const { stdout, ...end } = runNode([script('process.js'), model, ...steps], { env });
  return { ...end, results: printed(stdout) };
}

describe('a process ends by itself', () => {
  test.each([
    [[]],
    [['load']],
    [['load', 'layer']],
    [['load', 'layer', 'close']],
    [['start:load']],
    [['load', 'start:layer']],
    [['load', 'start:preload']],
    [['load', 'layer', 'start:tensor']],
  ])('after %j', (steps) => {
    expect(run(steps)).toMatchObject(clean);
  });
});

describe('process.exit keeps its status', () => {
  test.each([
    [['start:load', 'exit']],
    [['start:load', 'turn', 'exit']],
    [['load', 'exit']],
    [['load', 'layer', 'exit']],
    ...calls.map((call) => [['load', `start:${call}`, 'exit']]),
    ...calls.map((call) => [['load', `start:${call}`, 'turn', 'exit']]),
    ...calls.map((call) => [['load', `keep:${call}`, 'exit']]),
  ])('after %j', (steps) => {
    expect(run(steps)).toMatchObject({ ...clean, status: 7 });
  });

  // From before Python has started, over its imports, to work under way.
  test.each([
    [['start:load'], 6],
    [['load', 'start:tensor'], 2],
  ])('forty times, later each time, after %j', (steps, milliseconds) => {
    for (let round = 0; round < 40; round += 1) {
      const end = run([...steps, `wait:${round * milliseconds}`, 'exit']);
      expect({ round, ...end }).toMatchObject({ round, ...clean, status: 7 });
    }
  });

  test('and gives back a terminal that it made raw', () => {
    const steps = ['raw', 'load', 'keep:preload', 'exit'];
    const args = [process.execPath, script('process.js'), model, ...steps];
    const { status, restored } = JSON.parse(runPython('tests/js/terminal.py', ...args));
    expect({ status, restored }).toEqual({ status: 7, restored: true });
  });

  // Where OpenBLAS's destructor runs while a thread is inside OpenBLAS, the process hangs. OpenSSL
  // crashes, and the handler that it registered, loaded long after the addon, would come first.
  describe.each(['multiplying', 'registering'])(
    'in the middle of a call to a library',
    (module) => {
      let folder;
      beforeAll(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
      });
      afterAll(() => fs.rmSync(folder, { recursive: true }));

      test(`that dequantising makes: ${module}`, () => {
        const packages = runPython('tests/js/venv/environment.py', folder, module).trim();
        const marker = path.join(packages, 'inside');
        for (let round = 0; round < 10; round += 1) {
          fs.rmSync(marker, { force: true });
          const end = run(['load', 'start:tensor', `appear:${marker}`, 'exit'], {
            MEMORY64_PYTHON: path.join(folder, 'bin', 'python'),
          });
          expect({ round, ...end }).toMatchObject({ round, ...clean, status: 7 });
        }
      });
    },
  );
});

describe.each(calls)('in the middle of a call (%s)', (call) => {
  test.each([
    ['throw', 'Error: thrown by the program'],
    ['reject', 'Error: rejected by the program'],
  ])('what nobody catches ends the process as usual: %s', (step, message) => {
    const { status, signal, stderr } = run(['load', `keep:${call}`, step]);
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toContain(message);
  });

  test('a process that survives what nobody caught has it answered', () => {
    const steps = ['survive', 'load', `start:${call}`, 'throw', 'reject', 'answer'];
    const caught = ['rejected by the program', 'thrown by the program'];
    const results = [30, call, caught, digestOf3];
    expect(run([...steps, 'caught:2', 'digest:3'])).toMatchObject({ ...clean, results });
  });
});

describe('what nobody catches of a call', () => {
  const cases = [
    ['leaveFailing', /ERR_MEMORY64_SOURCE_NOT_FOUND/, [], /\.nix/],
    ['throwInProgress', /Error: thrown in onProgress/, [], /^thrown in onProgress$/],
    ['throwInListener', /Error: thrown in a listener/, ['aborted'], /^thrown in a listener$/],
  ];

  test.each(cases)('ends the process as usual: %s', (step, printedError) => {
    const { status, signal, stderr } = run(['load', step]);
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toMatch(printedError);
  });

  test.each(cases)('leaves the model as it was: %s', (step, _, told, message) => {
    const end = run(['survive', 'load', step, 'layer', 'caught:1', 'digest:3', 'close']);
    const caught = [expect.stringMatching(message)];
    expect(end).toMatchObject({ ...clean, results: [30, ...told, 2304, caught, digestOf3] });
  });
});
