'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');

/** Runs a server in a process of its own; gives it once it says "listening on URL". */
async function startServer(args, { env } = {}) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (printed[stream] += text));
  }
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, ...printed }));

  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const [, found] = printed.stdout.match(/^listening on (\S+)\n/) ?? [];
      if (found) resolve(found);
    });
    ended.then((end) => reject(new Error(`the server did not start: ${JSON.stringify(end)}`)));
  });

  /** Gives how it ended, `{ status, signal, stdout, stderr }`. */
  function stop(signal) {
    child.kill(signal);
    return ended;
  }
  return { url, stop };
}

module.exports = { startServer };
