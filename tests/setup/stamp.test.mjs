import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { hashFiles, readStamp, writeStamp } from '../../scripts/stamp.mjs';
import { ownFolder, write } from './folder.mjs';

test('a stamp reads back as written', (t) => {
  const file = path.join(ownFolder(t), 'stamp.json');
  writeStamp(file, { version: [3, 12, 1], dev: true });
  assert.deepEqual(readStamp(file), { version: [3, 12, 1], dev: true });
});

test('a missing stamp and a torn one both mean that the step is not done', (t) => {
  const file = path.join(ownFolder(t), 'stamp.json');
  assert.equal(readStamp(file), undefined);
  fs.writeFileSync(file, '{"version": [3,');
  assert.equal(readStamp(file), undefined);
});

test('the hash sees changed bytes, new names and moved borders, and nothing else', (t) => {
  const folder = ownFolder(t);
  write(path.join(folder, 'src', 'a'), 'one');
  write(path.join(folder, 'src', 'deep', 'b'), 'two');
  const before = hashFiles(folder, ['src']);

  fs.utimesSync(path.join(folder, 'src', 'a'), 0, 0);
  assert.equal(hashFiles(folder, ['src']), before);

  write(path.join(folder, 'src', 'deep', 'b'), 'three');
  const changed = hashFiles(folder, ['src']);
  assert.notEqual(changed, before);

  fs.renameSync(path.join(folder, 'src', 'deep', 'b'), path.join(folder, 'src', 'deep', 'c'));
  assert.notEqual(hashFiles(folder, ['src']), changed);
});
