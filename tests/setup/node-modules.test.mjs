import assert from 'node:assert/strict';
import test from 'node:test';

import { isComplete } from '../../scripts/node-modules.mjs';

const LOCKED = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', dev: true },
  'node_modules/only-elsewhere': { version: '3.0.0', optional: true },
};
const INSTALLED = {
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', dev: true },
};

test('what the lock file asks for is complete, optional packages or not', () => {
  assert.equal(isComplete(LOCKED, INSTALLED), true);
});

test('an install without the development tools is not complete', () => {
  const production = { 'node_modules/a': INSTALLED['node_modules/a'] };
  assert.equal(isComplete(LOCKED, production), false);
});

test('another version is not what the lock file asks for', () => {
  const outdated = { ...INSTALLED, 'node_modules/a': { version: '0.9.0' } };
  assert.equal(isComplete(LOCKED, outdated), false);
});
