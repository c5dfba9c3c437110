import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { Failure, diskFull, excerpt } from './failure.mjs';
import { buildsForOtherRuntime, findNodeHeaders, makeNodeHeaders } from './node-headers.mjs';
import { buildFolder, root } from './paths.mjs';
import { causeOf, run } from './run.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';

const require = createRequire(import.meta.url);
const make = process.env.MAKE || 'make';

/**
 * Makes sure that the addon is built from today's sources, for this Node and this Python.
 * @param {string} configuration one that binding.gyp or Node's headers know; each has a folder
 * @returns the built file
 */
export function ensureAddon(python, { configuration = 'Release', rebuild = false } = {}) {
  const folder = path.join(buildFolder, configuration);
  const stampFile = path.join(folder, 'memory64.json');
  const addonFile = path.join(folder, 'memory64.node');
  const content = {
    node: process.versions.modules,
    target: process.env.npm_config_target ?? null,
    platform: `${process.platform}-${process.arch}`,
    python: python.executable,
    libpython: python.libpython,
    version: python.version,
    nodeAddonApi: require('node-addon-api').version,
    sources: hashFiles(root, ['binding.gyp', 'addon']),
  };
  const stamp = readStamp(stampFile);
  const current = fs.existsSync(addonFile) && isDeepStrictEqual(stamp, content);
  if (current && !rebuild) return addonFile;

  requireTools();
  console.log(`memory64: compiling the addon (${configuration})`);
  // Where only sources have changed, make knows what is left to do.
  const sourcesOnly = stamp && isDeepStrictEqual({ ...stamp, sources: content.sources }, content);
  fs.rmSync(sourcesOnly && !rebuild ? stampFile : folder, { recursive: true, force: true });
  compile(python, configuration);
  writeStamp(stampFile, content);
  return addonFile;
}

/** The program that compiles C++, and the arguments that go before all others. */
export function compiler() {
  // CXX may carry a launcher or flags: "ccache g++", "clang++ --target=…".
  const words = process.env.CXX?.split(' ').filter(Boolean) ?? [];
  return words.length > 0 ? words : [process.platform === 'darwin' ? 'c++' : 'g++'];
}

function requireTools() {
  const [program, ...flags] = compiler();
  if (run(program, [...flags, '--version']).missing) {
    throw new Failure(
      `There is no C++ compiler: ${program} is not on PATH.`,
      'Debian, Ubuntu: apt install g++ (macOS: xcode-select --install), or name one with CXX.',
    );
  }
  if (run(make, ['--version']).missing) {
    throw new Failure(
      `There is no make: ${make} is not on PATH.`,
      'Debian, Ubuntu: apt install make (macOS: xcode-select --install).',
    );
  }
}

function compile(python, configuration) {
  const headers = nodeHeaders(python);
  const configured = nodeGyp(python, [
    'configure',
    ...(headers ? ['--nodedir', headers] : []),
    // The second format is for clang-tidy and for editors.
    ...['--', `-Dembed_python=${python.executable}`, '-f', 'make', '-f', 'compile_commands_json'],
  ]);
  if (!configured.ok) throw compileFailure(configured.output);
  // Not "node-gyp build", which knows two configurations only.
  const made = run(make, [
    ...['-C', buildFolder, `BUILDTYPE=${configuration}`],
    ...['--jobs', String(os.availableParallelism())],
  ]);
  if (!made.ok) throw compileFailure(made.output);
}

/** The folder with Node's headers; undefined where node-gyp has downloaded its own. */
function nodeHeaders(python) {
  const otherRuntime = buildsForOtherRuntime();
  const local = otherRuntime ? undefined : findNodeHeaders();
  if (local) return local;

  console.log("memory64: downloading Node's headers");
  const download = nodeGyp(python, ['install', '--ensure']);
  if (download.ok) return undefined;
  if (!otherRuntime) return makeNodeHeaders();
  throw new Failure(
    `The headers of the asked runtime could not be downloaded:\n${excerpt(download.output)}`,
    'Connect to the network, or check npm_config_runtime, npm_config_target and npm_config_disturl.',
  );
}

function nodeGyp(python, args) {
  const program = require.resolve('node-gyp/bin/node-gyp.js');
  return run(process.execPath, [program, '--python', python.executable, ...args], {
    cwd: root,
    env: withoutOverrides(process.env),
  });
}

/** node-gyp lets these variables win over its arguments, and an npmrc can set them. */
function withoutOverrides(env) {
  const override = /^npm_(config|package_config_node_gyp)_(nodedir|python|jobs|directory)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !override.test(name)));
}

function compileFailure(output) {
  if (causeOf(output) === 'disk') return diskFull(buildFolder);
  return new Failure(
    `The addon could not be compiled:\n${excerpt(output)}`,
    'npm run build -- --verbose shows all that the compiler said.',
  );
}
