import fs from 'node:fs';
import path from 'node:path';

import { Failure, diskFull, excerpt } from './failure.mjs';
import { examine, findPython } from './find-python.mjs';
import { root, venvFolder, venvProgram } from './paths.mjs';
import { causeOf, run } from './run.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';

const stampFile = path.join(venvFolder, 'memory64.json');

/**
 * Makes sure that .venv holds the Python package and all it needs.
 * @param {boolean} dev whether the tools that check the project are needed too
 * @returns the virtual environment's interpreter, as probe-python.py describes it
 */
export function ensureVenv({ dev }) {
  const stamp = readStamp(stampFile);
  const kept = stamp && soundPython(stamp);
  const python = kept ?? createVenv(findPython(), venvFolder);
  const content = {
    folder: venvFolder,
    base: python.base,
    version: python.version,
    dev: dev || Boolean(kept && stamp.dev),
    project: hashFiles(root, ['python/pyproject.toml']),
  };
  if (kept && JSON.stringify(stamp) === JSON.stringify(content)) return python;

  fs.rmSync(stampFile, { force: true });
  installPackage(python, content.dev);
  writeStamp(stampFile, content);
  return python;
}

/** The interpreter of a finished .venv, unless it broke, moved, or another one is wanted now. */
function soundPython(stamp) {
  // Its programs and the package's place are written down as absolute paths: it cannot be moved.
  if (stamp.folder !== venvFolder) return undefined;
  const { python, fault } = examine(venvProgram('python'));
  if (fault || python.base !== stamp.base || `${python.version}` !== `${stamp.version}`) {
    return undefined;
  }
  const wanted = process.env.MEMORY64_PYTHON;
  if (wanted && examine(wanted).python?.base !== python.base) return undefined;
  return python;
}

/** Makes an empty virtual environment in the place of whatever was left there. */
export function createVenv(python, folder) {
  console.log(`memory64: making ${path.basename(folder)} with Python ${python.version.join('.')}`);
  fs.rmSync(folder, { recursive: true, force: true });
  const interpreter = venvProgram('python', folder);
  // In two steps, because venv keeps what ensurepip says to itself.
  const steps = [
    [python.base, '-m', 'venv', '--without-pip', folder],
    [interpreter, '-m', 'ensurepip', '--upgrade', '--default-pip'],
  ];
  for (const [program, ...args] of steps) {
    const { ok, output } = run(program, args);
    if (!ok) throw venvFailure(python, folder, output);
  }
  return examine(interpreter).python;
}

function venvFailure(python, folder, output) {
  if (causeOf(output) === 'disk') return diskFull(folder);
  return new Failure(
    `${python.executable} could not make the virtual environment ${folder}:\n${excerpt(output)}`,
    `Debian, Ubuntu: apt install python3-venv (or python3.${python.version[1]}-venv)`,
  );
}

function installPackage(python, dev) {
  const extras = dev ? 'addon,dev' : 'addon,guest';
  console.log(`memory64: installing the Python package [${extras}]`);
  const target = `${path.join(root, 'python')}[${extras}]`;
  const { ok, output } = run(
    python.executable,
    ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--editable', target],
    // By itself pip takes minutes to give up on a network that is not there.
    { env: { PIP_RETRIES: '2', ...process.env } },
  );
  if (!ok) throw pipFailure(output);
}

function pipFailure(output) {
  switch (causeOf(output)) {
    case 'disk':
      return diskFull(venvFolder);
    case 'network':
      return new Failure(
        `pip cannot reach the Python package index:\n${excerpt(output)}`,
        'Connect to the network, or tell pip of a proxy or a mirror (PIP_PROXY, PIP_INDEX_URL, ' +
          'PIP_FIND_LINKS), then try again.',
      );
    default:
      return new Failure(
        `pip could not install the Python package:\n${excerpt(output)}`,
        'node scripts/setup.mjs --verbose shows all that pip said.',
      );
  }
}
