'use strict';

const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');

const { printed, root, script, startNode } = require('./child.js');
const { digestInFile } = require('./digest.js');
const { identity } = require('./guests.js');
const { smollm2 } = require('./models.js');

const model = smollm2();
const digestOf3 = digestInFile(model, 3);

const calls = ['load', 'layer', 'preload', 'tensor', 'generate', 'chat'];

/** Interrupts a process that does steps as soon as it has told what is expected. */
async function interrupt(steps, expected) {
  const { child, end } = startNode([script('process.js'), model, ...steps]);
  let told = '';
  const line = `${JSON.stringify(expected)}\n`;
  while (!told.includes(line)) told += (await once(child.stdout, 'data'))[0];
  child.kill('SIGINT');
  const { stdout, ...rest } = await end;
  return { ...rest, results: printed(stdout) };
}

const interrupted = { status: null, signal: 'SIGINT', stderr: '' };

test.each(calls)('Ctrl-C ends a process in the middle of a call: %s', async (call) => {
  expect(await interrupt(['load', `keep:${call}`], call)).toMatchObject(interrupted);
});

test('Ctrl-C ends a process while Python starts', async () => {
  const steps = ['start:load', 'ready', 'keep:load']; // or it could end first, by itself
  expect(await interrupt(steps, 'ready')).toMatchObject(interrupted);
});

test.each(calls)('a program that listens to Ctrl-C goes on: %s', async (call) => {
  const steps = ['load', `keepUntilInterrupted:${call}`, 'digest:3', 'close'];
  const results = [30, call, 'interrupted', 'aborted', digestOf3];
  expect(await interrupt(steps, call)).toEqual({ status: 0, signal: null, stderr: '', results });
});

describe('Ctrl-C ends the command', () => {
  let folder;
  let guest;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
    guest = path.join(folder, 'guest.wat');
    fs.writeFileSync(guest, identity);
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Waits for the Python of the command to have mapped a file of that name. */
  async function mapping(command, name) {
    const children = `/proc/${command.pid}/task/${command.pid}/children`;
    for (;;) {
      const [python] = fs.readFileSync(children, 'utf8').split(' ').filter(Boolean);
      if (python && fs.readFileSync(`/proc/${python}/maps`, 'utf8').includes(name)) return;
      await wait(1);
    }
  }

  test.each([
    ['while it is imported', 'numpy'],
    ['while it works', path.basename(model)],
  ])('%s', async (_, mapped) => {
    const command = ['run', guest, '--model', model, '--call', 'spin'];
    const { child, end } = startNode([path.join(root, 'js', 'cli.js'), ...command]);
    await mapping(child, mapped);
    child.kill('SIGINT');
    expect(await end).toMatchObject({ status: 130, signal: null, stderr: '' });
  });
});
