import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { cacheFolder } from './paths.mjs';

/** Settings by which electron-rebuild and its like ask for another runtime's headers. */
const OTHER_RUNTIME = ['npm_config_runtime', 'npm_config_target', 'npm_config_disturl'];

export function buildsForOtherRuntime(env = process.env) {
  return OTHER_RUNTIME.some((name) => env[name]);
}

/** The folders that may hold this Node's headers, most deliberate choice first. */
export function headerFolders(env = process.env) {
  return [
    env.npm_config_nodedir,
    path.resolve(fs.realpathSync(process.execPath), '../..'),
    process.config.variables.node_prefix,
  ].filter(Boolean);
}

/** The first folder with headers of this Node's major version, in node-gyp's `--nodedir` sense. */
export function findNodeHeaders(folders = headerFolders()) {
  return folders.find(hasHeadersOfThisNode);
}

function hasHeadersOfThisNode(folder) {
  const include = path.join(folder, 'include', 'node');
  const complete = ['common.gypi', 'node_api.h', 'node_version.h'].every((name) =>
    fs.existsSync(path.join(include, name)),
  );
  if (!complete) return false;
  const version = fs.readFileSync(path.join(include, 'node_version.h'), 'utf8');
  const [, major] = version.match(/^#define NODE_MAJOR_VERSION (\d+)$/m) ?? [];
  return major === process.versions.node.split('.')[0];
}

const COMMON_GYPI = `{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Release': {}, 'Debug': {} },
    'cflags': ['-fPIC', '-O3', '-pthread'],
    'cflags_cc': ['-fno-rtti', '-fno-exceptions', '-std=gnu++17'],
    'ldflags': ['-pthread', '-rdynamic'],
    'conditions': [['OS=="mac"', { 'xcode_settings': { 'OTHER_LDFLAGS': ['-undefined dynamic_lookup'] } }]],
  },
}
`;

/**
 * Lays out the Node-API headers of the node-api-headers package as node-gyp expects them: the
 * last resort where Node came without headers and they cannot be downloaded.
 */
export function makeNodeHeaders(folder = path.join(cacheFolder, 'node-headers')) {
  const include = path.join(folder, 'include', 'node');
  const source = createRequire(import.meta.url)('node-api-headers').include_dir;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(source, include, { recursive: true });
  fs.writeFileSync(path.join(include, 'common.gypi'), COMMON_GYPI);
  fs.writeFileSync(path.join(include, 'config.gypi'), '{}\n');
  return folder;
}
