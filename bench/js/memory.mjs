import { readFileSync } from 'node:fs';

/**
 * What this process holds in memory, by the kernel's exact count of its pages: all of them, and
 * those no file stands behind, among which a copy of a model's bytes would be.
 */
export function held() {
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const bytesOf = (field) =>
    1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)[1]);
  return { residentBytes: bytesOf('Rss'), anonymousBytes: bytesOf('Anonymous') };
}
