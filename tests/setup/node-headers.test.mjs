import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import {
  buildsForOtherRuntime,
  findNodeHeaders,
  headerFolders,
  makeNodeHeaders,
} from '../../scripts/node-headers.mjs';
import { ownFolder, write } from './folder.mjs';

const THIS_MAJOR = process.versions.node.split('.')[0];

function headers(folder, { major = THIS_MAJOR, without } = {}) {
  const files = {
    'common.gypi': '{}',
    'node_api.h': '',
    'node_version.h': `#define NODE_MAJOR_VERSION ${major}\n#define NODE_MINOR_VERSION 0\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    if (name !== without) write(path.join(folder, 'include', 'node', name), content);
  }
  return folder;
}

test('a folder with the headers of this Node is found', (t) => {
  const folder = headers(ownFolder(t));
  assert.equal(findNodeHeaders([folder]), folder);
});

test('the first folder that will do is taken', (t) => {
  const [empty, first, second] = [ownFolder(t), headers(ownFolder(t)), headers(ownFolder(t))];
  assert.equal(findNodeHeaders([empty, first, second]), first);
});

test("another Node's headers are passed over", (t) => {
  const folder = headers(ownFolder(t), { major: Number(THIS_MAJOR) + 1 });
  assert.equal(findNodeHeaders([folder]), undefined);
});

for (const without of ['common.gypi', 'node_api.h', 'node_version.h']) {
  test(`a folder without ${without} is passed over`, (t) => {
    assert.equal(findNodeHeaders([headers(ownFolder(t), { without })]), undefined);
  });
}

test('npm_config_nodedir is looked at first, then the folder of the running Node', () => {
  const [first, second] = headerFolders({ npm_config_nodedir: '/elsewhere' });
  assert.equal(first, '/elsewhere');
  assert.equal(second, path.resolve(fs.realpathSync(process.execPath), '../..'));
});

for (const name of ['npm_config_runtime', 'npm_config_target', 'npm_config_disturl']) {
  test(`${name} asks for another runtime's headers`, () => {
    assert.equal(buildsForOtherRuntime({ [name]: 'electron' }), true);
    assert.equal(buildsForOtherRuntime({}), false);
  });
}

test('the headers of last resort have all that node-gyp reads', (t) => {
  const include = path.join(makeNodeHeaders(path.join(ownFolder(t), 'made')), 'include', 'node');
  for (const name of ['common.gypi', 'config.gypi', 'node_api.h', 'js_native_api.h']) {
    assert.ok(fs.existsSync(path.join(include, name)), name);
  }
});
