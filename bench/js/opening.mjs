import { performance } from 'node:perf_hooks';
import { held } from './memory.mjs';

/** Prints what `open()` costs: its time, and the growth of what the process holds in memory. */
export async function measureOpening(open) {
  const before = held();
  const started = performance.now();
  const opened = await open();
  const seconds = (performance.now() - started) / 1000;
  const after = held();
  const residentBytes = after.residentBytes - before.residentBytes;
  const anonymousBytes = after.anonymousBytes - before.anonymousBytes;
  console.log(JSON.stringify({ seconds, residentBytes, anonymousBytes }));
  return opened;
}
