'use strict';

// Loads a model with several copies of the package:
//   node tests/js/children/copies.js MODEL together|in-turn|first-without-python FOLDER...
// Prints, for each copy, the digest of a layer or the error, as a line of JSON.

const path = require('node:path');

const { digest } = require('../digest.js');

const [model, manner, ...folders] = process.argv.slice(2);
const copies = folders.map((folder) => require(path.join(folder, 'native.js')));

async function use({ loadModel }) {
  try {
    const loaded = await loadModel(model, { memory64: true });
    return { loaded, digest: digest(await loaded.getLayer(3)) };
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
}

const manners = {
  together: () => Promise.all(copies.map(use)),
  async 'in-turn'() {
    const results = [];
    for (const copy of copies) results.push(await use(copy));
    return results;
  },
  async 'first-without-python'() {
    process.env.MEMORY64_PYTHON = path.join(folders[0], 'nix');
    const failed = await use(copies[0]);
    delete process.env.MEMORY64_PYTHON;
    return [failed, await use(copies[1])];
  },
};

async function run() {
  for (const { loaded, ...result } of await manners[manner]()) {
    // What the other copy met with does not matter to this one.
    if (loaded) result.again = digest(await loaded.getLayer(3));
    console.log(JSON.stringify(result));
  }
}

run();
