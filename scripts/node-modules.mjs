import path from 'node:path';

import { Failure, diskFull, excerpt } from './failure.mjs';
import { root } from './paths.mjs';
import { causeOf, run } from './run.mjs';
import { readStamp } from './stamp.mjs';

/** Makes sure that node_modules holds what package-lock.json asks for, development tools included. */
export function ensureNodeModules() {
  const locked = readStamp(path.join(root, 'package-lock.json')).packages;
  // npm keeps this record of what it last laid down there.
  const installed = readStamp(path.join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (installed && isComplete(locked, installed)) return;

  console.log('memory64: installing the Node packages');
  const npm = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { ok, output } = run('npm', npm, { cwd: root });
  if (!ok) throw npmFailure(output);
}

/** Whether each package of the lock file is there; optional ones may be for other platforms. */
export function isComplete(locked, installed) {
  return Object.entries(locked).every(
    ([folder, { version, optional }]) =>
      folder === '' || optional || installed[folder]?.version === version,
  );
}

function npmFailure(output) {
  switch (causeOf(output)) {
    case 'disk':
      return diskFull(path.join(root, 'node_modules'));
    case 'network':
      return new Failure(
        `npm cannot reach the package registry:\n${excerpt(output)}`,
        'Connect to the network, or tell npm of a proxy or a mirror, then try again.',
      );
    default:
      return new Failure(
        `npm could not install the Node packages:\n${excerpt(output)}`,
        'npm ci in this folder shows all that npm said.',
      );
  }
}
