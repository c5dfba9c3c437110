'use strict';

const { runPython } = require('./python.js');

/** The paths of model files, fetched or generated once, then kept. */

function made(script, name) {
  return runPython(script, name).trim().split('\n').at(-1);
}

/** SmolLM2-135M: 30 layers, 98 MB. */
const smollm2 = () => made('models/fetch.py', 'smollm2');

/** Gemma 3 270M: 18 layers, 253 MB, a vocabulary of 262,144. */
const gemma = () => made('models/fetch.py', 'gemma');

/** The shape of Llama-2-7B: 32 layers, 4.08 GB. */
const llama7B = () => made('models/generate.py', 'llama-7b');

/** 12 layers, 4.7 GB, tensors of four types beyond the 4 GiB offset. */
const beyond4GiB = () => made('models/generate.py', 'beyond-4gib');

/** 80 layers, 138 GB, sparse, with marked bytes in its last tensor. */
const llama70B = () => made('models/generate.py', 'llama-70b-sparse');

module.exports = { smollm2, gemma, llama7B, beyond4GiB, llama70B };
