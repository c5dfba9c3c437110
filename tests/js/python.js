'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/** Runs a Python script of the repository and gives what it printed. */
function runPython(...args) {
  return execFileSync(path.join(root, '.venv', 'bin', 'python'), args, {
    cwd: root,
    // The sanitizer that npm run test:asan preloads is for Node and the addon.
    env: { ...process.env, LD_PRELOAD: undefined },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
}

module.exports = { runPython };
