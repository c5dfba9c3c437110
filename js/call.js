'use strict';

const { CancelToken } = require('./binding.js');
const { toError } = require('./errors.js');

/**
 * Runs `start(token, report)`, which calls the addon, and gives its value.
 *
 * When `signal` fires, or `onProgress` throws, the call rejects with that reason at once, and the
 * Python work is told to stop. Should it end with a value all the same, `discard` gets it.
 */
async function call(start, { signal, onProgress, discard } = {}) {
  signal?.throwIfAborted();
  const interruptible = signal || onProgress;
  const outcome = interruptible ? race(start, { signal, onProgress, discard }) : outcomeOf(start());
  const { value, failure } = await outcome;
  // Made here, after an await, the error's stack leads to the caller.
  if (failure) throw toError(failure);
  return value;
}

function outcomeOf(promise) {
  return promise.then(
    (value) => ({ value }),
    (failure) => ({ failure }),
  );
}

function race(start, { signal, onProgress, discard }) {
  return new Promise((resolve, reject) => {
    const token = new CancelToken();
    let interrupted = false;
    const interrupt = (reason) => {
      interrupted = true;
      token.cancel();
      reject(reason);
    };
    const report = (fraction) => {
      if (interrupted) return;
      try {
        onProgress(fraction);
      } catch (error) {
        interrupt(error);
      }
    };

    const running = start(token, onProgress && report);
    // Not before: a call that throws would leave its listener behind.
    const onAbort = () => interrupt(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });

    outcomeOf(running).then((outcome) => {
      signal?.removeEventListener('abort', onAbort);
      if (interrupted && outcome.value) discard?.(outcome.value);
      resolve(outcome);
    });
  });
}

module.exports = { call };
