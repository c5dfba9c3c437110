'use strict';

const { spawn, spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/** For one that hangs: on a slow and busy machine they take minutes. */
const HANGS_MS = 600_000;

/** What a process leaves that ended well. */
const clean = { status: 0, signal: null, stderr: '' };

/** Runs Node in a process of its own, to its end. */
function runNode(args, { env } = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: HANGS_MS,
  });
  return { status, signal, stdout, stderr };
}

/** Starts Node in a process of its own that a test has more to do with. */
function startNode(args, { env } = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A test that fails may leave it running.
    timeout: HANGS_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
  }
  const end = new Promise((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, ...output }));
  });
  return { child, end };
}

/** The values that a script printed, one JSON value a line. */
function printed(stdout) {
  return stdout.split('\n').filter(Boolean).map(JSON.parse);
}

function script(name) {
  return path.join(__dirname, 'children', name);
}

module.exports = { root, clean, runNode, startNode, printed, script };
