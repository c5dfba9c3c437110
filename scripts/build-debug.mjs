import { ensureAddon } from './build-addon.mjs';
import { main } from './failure.mjs';
import { ensureVenv } from './venv.mjs';

await main(() => {
  const addon = ensureAddon(ensureVenv({ dev: false }), { configuration: 'Debug' });
  console.log(`
The addon without optimisation, for a debugger, is ${addon}.
MEMORY64_ADDON makes a process load it in the place of the release build:

  MEMORY64_ADDON=${addon} gdb --args node PROGRAM.js

In gdb, "handle SIGSEGV nostop noprint pass" lets wasmtime and V8 have their own traps, and
"set breakpoint pending on" takes breakpoints in the addon before it is loaded.
`);
});
