import fs from 'node:fs';
import path from 'node:path';

import { Failure } from './failure.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';

const MINIMUM_MINOR = 11;
const NEWEST_MINOR = 14;
const PROBE = path.join(root, 'scripts', 'probe-python.py');

const NAMES = ['python3'];
for (let minor = NEWEST_MINOR; minor >= MINIMUM_MINOR; minor--) NAMES.push(`python3.${minor}`);

/**
 * The interpreter to build with: MEMORY64_PYTHON if it is set, else the first on PATH that has
 * everything an embedded Python needs.
 * @returns what probe-python.py prints
 * @throws {Failure} naming each interpreter that was looked at and what it lacks
 */
export function findPython(env = process.env) {
  const rejected = [];
  for (const command of candidates(env)) {
    const { python, fault } = examine(command, env);
    if (!fault) return python;
    rejected.push({ command, version: python?.version, ...fault });
  }
  throw noPython(rejected, env.MEMORY64_PYTHON);
}

/** Asks an interpreter about itself and judges the answer. */
export function examine(command, env = process.env) {
  const { ok, stdout, output } = run(command, ['-I', PROBE], { env });
  const python = ok ? parsed(stdout) : undefined;
  if (!python) return { fault: { lack: `cannot be run as a Python (${firstLine(output)})` } };
  return { python, fault: faultOf(python) };
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function candidates(env) {
  if (env.MEMORY64_PYTHON) return [env.MEMORY64_PYTHON];
  const folders = (env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const found = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return onePerFile(found.filter(isExecutable));
}

/** Drops the second name of an interpreter: python3 is often a link to python3.12. */
function onePerFile(commands) {
  const first = new Map();
  for (const command of commands) {
    const file = fs.realpathSync(command);
    if (!first.has(file)) first.set(file, command);
  }
  return [...first.values()];
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

function faultOf({ implementation, version, hasHeaders, include, libpython, ...python }) {
  const [major, minor] = version;
  if (implementation !== 'cpython') {
    return { lack: `is ${implementation}, not CPython` };
  }
  if (major !== 3 || minor < MINIMUM_MINOR) {
    return { lack: `is older than 3.${MINIMUM_MINOR}` };
  }
  if (!hasHeaders) {
    return {
      lack: `has no header files (no Python.h in ${include})`,
      remedy: `Debian, Ubuntu: apt install python3-dev (or python3.${minor}-dev)`,
    };
  }
  if (!libpython) {
    return {
      lack: `has no shared libpython in ${python.libraryFolder}`,
      remedy:
        `Debian, Ubuntu: apt install libpython3-dev (or libpython3.${minor}-dev); pyenv: ` +
        `PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.${minor}`,
    };
  }
  if (python.missingModules.length > 0) {
    return {
      lack: `lacks the module ${python.missingModules.join(' and ')}`,
      remedy: `Debian, Ubuntu: apt install python3-venv (or python3.${minor}-venv)`,
    };
  }
  return undefined;
}

function noPython(rejected, wanted) {
  const headline = wanted
    ? 'MEMORY64_PYTHON does not name a Python that can be used.'
    : 'No Python that can be used was found on PATH.';
  const needed =
    `Needed: CPython 3.${MINIMUM_MINOR} or newer with its header files, ` +
    `a shared libpython and the modules venv and ensurepip.`;
  const found = rejected.length > 0 ? rejected.map(describe) : ['  nothing by the name of python3'];
  return new Failure(
    [headline, needed, 'Found:', ...found].join('\n'),
    wanted
      ? 'Give MEMORY64_PYTHON the path of another interpreter, or unset it.'
      : `Debian, Ubuntu: apt install python3 python3-dev python3-venv
Or set MEMORY64_PYTHON to the path of an interpreter elsewhere.`,
  );
}

function describe({ command, version, lack, remedy }) {
  const name = version ? `${command} (${version.join('.')})` : command;
  return `  ${name} ${lack}${remedy ? `\n      ${remedy}` : ''}`;
}

function firstLine(output) {
  return output.trim().split('\n')[0] || 'no output';
}
