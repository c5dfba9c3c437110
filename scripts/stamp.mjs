import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/*
 * A stamp is a JSON file written as the last act of a step. It records what the step was made
 * from, so an interrupted step (no stamp) and an outdated one (another stamp) are both seen.
 */

export function readStamp(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

export function writeStamp(file, content) {
  fs.writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** One hash over the names and contents of files and of whole folders. */
export function hashFiles(base, names) {
  const hash = createHash('sha256');
  for (const name of names.flatMap((each) => filesUnder(base, each))) {
    hash
      .update(`${name}\0`)
      .update(fs.readFileSync(path.join(base, name)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** The files below a folder, sorted; for a file, itself. */
export function filesUnder(base, name) {
  if (!fs.statSync(path.join(base, name)).isDirectory()) return [name];
  return fs
    .readdirSync(path.join(base, name))
    .sort()
    .flatMap((entry) => filesUnder(base, path.join(name, entry)));
}
