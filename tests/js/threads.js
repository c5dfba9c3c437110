'use strict';

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');

const SAMPLES = 10;

/** The threads beside the main one that run, or would if there were a core for them (Linux). */
function runningThreads() {
  const threads = fs.readdirSync('/proc/self/task').filter((id) => id !== String(process.pid));
  return threads.filter((id) => /\) R /.test(statusOf(id)));
}

function statusOf(thread) {
  try {
    return fs.readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

/** Returns once a thread was found running so many times in a row that it does so for ever. */
async function untilBusy() {
  let running = runningThreads();
  for (let count = 0; count < SAMPLES; count += 1) {
    await sleep(1);
    const now = new Set(runningThreads());
    running = running.filter((id) => now.has(id));
    if (running.length === 0) {
      running = [...now];
      count = 0;
    }
  }
}

/** Returns once no thread runs. One that loops for ever runs always. */
async function untilIdle() {
  while (runningThreads().length > 0) await sleep(1);
}

module.exports = { untilBusy, untilIdle };
