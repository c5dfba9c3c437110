'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { clean, printed, root, runNode, script } = require('./child.js');
const { digestInFile } = require('./digest.js');
const { smollm2 } = require('./models.js');

const model = smollm2();
const digestOf3 = digestInFile(model, 3);
const works = { digest: digestOf3, again: digestOf3 };

const ADDON = path.join('build', 'Release', 'memory64.node');

let folder;
let copies;
let link;
beforeAll(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-')));
  copies = ['one', 'two', 'three'].map((name) => copyPackage(path.join(folder, name)));
  link = path.join(folder, 'link');
  fs.symlinkSync(copies[0], link);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** The package as npm would have installed it there. */
function copyPackage(target) {
  for (const part of ['native.js', 'js', ADDON]) {
    fs.cpSync(path.join(root, part), path.join(target, part), { recursive: true });
  }
  fs.symlinkSync(path.join(root, '.venv'), path.join(target, '.venv'));
  return target;
}

function run(manner, folders, { flags = [] } = {}) {
  const { stdout, ...end } = runNode([...flags, script('copies.js'), model, manner, ...folders]);
  return { ...end, results: printed(stdout) };
}

/** The error of a copy that came too late. */
function refusedFor(winner) {
  return {
    name: 'Memory64Error',
    code: 'ERR_MEMORY64',
    message: expect.stringMatching(
      new RegExp(`another copy of memory64.*${path.join(winner, ADDON)}.*Load only one copy`),
    ),
  };
}

test('a second copy is refused, and the first goes on', () => {
  const end = run('in-turn', [copies[0], copies[1], copies[1]]);
  const refused = refusedFor(copies[0]);
  expect(end).toEqual({ ...clean, results: [works, refused, refused] });
});

// Which one wins is theirs to decide: there must be one, and the others must know it.
test.each([1, 2, 3, 4, 5, 6, 7, 8])('of copies that start at once, one works: %d', () => {
  const { results, ...end } = run('together', copies);
  expect(end).toEqual(clean);
  const winner = results.findIndex(({ digest }) => digest);
  const expected = copies.map((_, index) =>
    index === winner ? works : refusedFor(copies[winner] ?? 'nobody'),
  );
  expect(results).toEqual(expected);
});

test('a copy that finds no Python leaves it to others', () => {
  const end = run('first-without-python', copies.slice(0, 2));
  const failed = {
    name: 'Memory64Error',
    code: 'ERR_MEMORY64',
    message: expect.stringContaining('MEMORY64_PYTHON names'),
  };
  expect(end).toEqual({ ...clean, results: [failed, works] });
});

test.each([
  ['found by Node', []],
  ['kept apart by Node', ['--preserve-symlinks']],
])('the same package through a link is the same: %s', (_, flags) => {
  const end = run('together', [copies[0], link], { flags });
  expect(end).toEqual({ ...clean, results: [works, works] });
});
