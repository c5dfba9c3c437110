'use strict';

const fs = require('node:fs');
const { setImmediate: turn } = require('node:timers/promises');

const SAMPLES = 60;

/** What this process holds, the pages of mapped files not counted. */
function holdings() {
  const rollup = fs.readFileSync('/proc/self/smaps_rollup', 'utf8');
  return {
    bytes: Number(/^Anonymous: +(\d+) kB$/m.exec(rollup)[1]) * 1024,
    descriptors: fs.readdirSync('/proc/self/fd').length,
    mappings: fs.readFileSync('/proc/self/maps', 'utf8').split('\n').length,
    threads: fs.readdirSync('/proc/self/task').length,
  };
}

/** Has everything collected that nobody holds, also what finalizers then let go of. */
async function collect() {
  for (let pass = 0; pass < 4; pass += 1) {
    global.gc();
    await turn();
  }
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/** The median of the slopes between any two points (Theil-Sen): a single step does not sway it. */
function slope(points) {
  const slopes = points.flatMap(([x, y], index) =>
    points.slice(index + 1).map(([later, then]) => (then - y) / (later - x)),
  );
  return median(slopes);
}

/**
 * Plays `round(index)` so many times, and gives by how much what the process holds grows in a
 * round. The first third is for caches and heaps to fill.
 */
async function growth(rounds, round) {
  const samples = [];
  const every = Math.ceil(rounds / SAMPLES);
  for (let index = 0; index < rounds; index += 1) {
    await round(index);
    if (index % every === 0 && index > rounds / 3) {
      await collect();
      samples.push([index, holdings()]);
    }
  }
  const kinds = Object.keys(samples[0][1]);
  return Object.fromEntries(
    kinds.map((kind) => [kind, slope(samples.map(([index, held]) => [index, held[kind]]))]),
  );
}

module.exports = { growth };
