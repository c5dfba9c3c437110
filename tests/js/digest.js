'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');

const { runPython } = require('./python.js');

function sha256(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** One hash over all tensors of a layer. */
function digest(layer) {
  return sha256(Array.from(layer, ({ data }) => data));
}

/** The same of a layer as the file itself has it. */
function digestInFile(path, id) {
  const { tensors } = JSON.parse(runPython('tests/js/reference.py', path));
  const file = fs.readFileSync(path);
  const entries = tensors.filter(({ name }) => name.startsWith(`blk.${id}.`));
  return sha256(entries.map(({ fileOffset: at, nbytes }) => file.subarray(at, at + nbytes)));
}

module.exports = { digest, digestInFile };
