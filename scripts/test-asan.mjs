import path from 'node:path';

import { compiler, ensureAddon } from './build-addon.mjs';
import { Failure, main } from './failure.mjs';
import { nodeProgram, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { run, show } from './run.mjs';

/** The suites that exercise the addon with small models. */
const SUITES = ['bytes', 'cancel', 'errors', 'generate', 'guest', 'layer', 'model', 'process'];

await main(() => {
  const sanitizer = findSanitizer();
  const addon = ensureAddon(prepare(), { configuration: 'Sanitized' });
  const env = {
    ...process.env,
    MEMORY64_ADDON: addon,
    // Node itself is not sanitized, so the runtime has to be there before the addon.
    LD_PRELOAD: sanitizer,
    ASAN_OPTIONS: options({
      // V8 and wasmtime make something of SIGSEGV, and run on signal stacks of their own.
      handle_segv: 0,
      use_sigaltstack: 0,
      detect_leaks: 1,
      // It misjudges the thread-local memory of this glibc, and then the leak detection crashes.
      intercept_tls_get_addr: 0,
      // A call from JavaScript into Python is deeper than the 30 frames it keeps by itself.
      malloc_context_size: 60,
    }),
    LSAN_OPTIONS: options({
      suppressions: path.join(root, 'scripts', 'test-asan.supp'),
      print_suppressions: 0,
    }),
    UBSAN_OPTIONS: options({ print_stacktrace: 1 }),
  };
  const suites = SUITES.map((name) => path.join('tests', 'js', `${name}.test.js`));
  process.exitCode = show(
    process.execPath,
    // In one process, whose end tells of a fault where a worker's would not.
    [nodeProgram('jest'), '--runInBand', ...suites],
    { cwd: root, env },
  );
});

/** The runtime library of AddressSanitizer that belongs to the compiler. */
function findSanitizer() {
  const [program, ...flags] = compiler();
  const { stdout } = run(program, [...flags, '-print-file-name=libasan.so']);
  const file = stdout.trim();
  // It gives the bare name back where it has no such file.
  if (path.isAbsolute(file)) return file;
  throw new Failure(
    `${program} has no AddressSanitizer: its libasan.so is not there.`,
    'Debian, Ubuntu: it comes with g++ (apt install g++). Clang has another one: unset CXX.',
  );
}

function options(pairs) {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(':');
}
