'use strict';

const { runPython } = require('./python.js');

/** The path of SmolLM2-135M: 30 layers, 98 MB. Fetched once, then kept. */
function smollm2() {
  return runPython('models/fetch.py', 'smollm2').trim().split('\n').at(-1);
}

module.exports = { smollm2 };
