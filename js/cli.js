#!/usr/bin/env node
'use strict';

const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');

const python = path.join(__dirname, '..', '.venv', 'bin', 'python');

// Until it is imported, an interrupt ends the command like any program, without a traceback.
const COMMAND = `
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
from memory64.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "memory64"
main()
`;

// Listened to before the child is there: a signal in between would end this process alone.
// A terminal sends its Ctrl-C to the child as well: passing it on would interrupt it twice.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

const child = spawn(python, ['-c', COMMAND, ...process.argv.slice(2)], { stdio: 'inherit' });

child.on('error', (error) => {
  console.error(`memory64: ${python} cannot be run (${error.code}). "npm install" makes it.`);
  process.exitCode = 1;
});

child.on('exit', (code, signal) => {
  process.exitCode = signal ? 128 + os.constants.signals[signal] : code;
});
