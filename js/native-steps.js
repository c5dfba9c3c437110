'use strict';

const { call } = require('./call.js');

/**
 * What the addon makes of text, one step after the other. Aborting `leaving` stops it, as the
 * caller's `signal` does.
 *
 * `open(token)` is the addon's, `run(start, options)` the model's or the session's.
 */
async function* nativeSteps(open, run, signal, leaving) {
  signal?.throwIfAborted();
  const onAbort = () => leaving.abort(signal.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    yield* stepsOf(open, run, { signal: leaving.signal });
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function* stepsOf(open, run, options) {
  const { native } = await run(open, { ...options, discard: closeQuietly });
  try {
    for (;;) yield await run((token) => native.next(null, token), options);
  } finally {
    await call(() => native.close());
  }
}

function closeQuietly({ native }) {
  native.close().catch(() => {});
}

module.exports = { nativeSteps };
