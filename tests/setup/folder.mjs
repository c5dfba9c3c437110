import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A folder of the test's own, gone when the test ends. */
export function ownFolder(test) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-setup-'));
  test.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file and the folders above it. */
export function write(file, content, mode = 0o644) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content, { mode });
}
