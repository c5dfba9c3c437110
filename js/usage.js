'use strict';

/** The usage of a text before it begins. */
const nothingUsed = Object.freeze({
  promptTokens: 0,
  cachedTokens: 0,
  tokens: 0,
  firstTokenMs: 0,
  tokensPerSecond: 0,
});

module.exports = { nothingUsed };
