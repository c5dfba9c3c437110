'use strict';

// Node before 20.5 lacks these symbols, and so do realms that test runners make. Whoever disposes
// (`using` as TypeScript or Babel compile it, other packages) looks for them on Symbol itself, so
// that is where they have to be; a symbol of our own would be one that nobody calls.
for (const name of ['dispose', 'asyncDispose']) {
  if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`) });
}
