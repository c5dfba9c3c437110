import { Failure, excerpt } from './failure.mjs';
import { run } from './run.mjs';

/** Makes sure that the engine, which runs models inside WebAssembly, is compiled. */
export function ensureEngine(python) {
  const build = 'from memory64.kernels.build import build_engine; build_engine()';
  const { ok, output } = run(python.executable, ['-c', build]);
  if (ok) return;
  throw new Failure(
    `the engine that runs models was not compiled:\n${excerpt(output)}`,
    'node scripts/setup.mjs --verbose shows all that the compiler said.',
  );
}
