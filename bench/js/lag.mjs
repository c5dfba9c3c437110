import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const RESOLUTION_MS = 1;
const PERCENTILES = { p50: 50, p90: 90, p99: 99, 'p99.9': 99.9, max: 100 };

/**
 * How long the event loop stands still while `work()` is done, in seconds by `PERCENTILES`. Two
 * watchers, each with a timer of a millisecond, which is in their figures: Node's own histogram,
 * and the gaps between ticks of an interval.
 */
export async function lagDuring(work) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const gaps = [];
  let last = performance.now();
  const interval = setInterval(() => {
    const tick = performance.now();
    gaps.push(tick - last);
    last = tick;
  }, RESOLUTION_MS);
  monitor.enable();
  await work();
  // A last lag is seen only by the tick that comes after it.
  await sleep(5 * RESOLUTION_MS);
  monitor.disable();
  clearInterval(interval);
  gaps.sort((a, b) => a - b);
  return {
    monitor: byPercentile((percent) => monitor.percentile(percent) / 1e9),
    interval: byPercentile((percent) => gaps[Math.ceil((gaps.length * percent) / 100) - 1] / 1e3),
  };
}

function byPercentile(lagAt) {
  return Object.fromEntries(
    Object.entries(PERCENTILES).map(([name, percent]) => [name, lagAt(percent)]),
  );
}
