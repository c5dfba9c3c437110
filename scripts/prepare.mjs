import { ensureAddon } from './build-addon.mjs';
import { ensureNodeModules } from './node-modules.mjs';
import { ensureVenv } from './venv.mjs';

/** Makes a fresh clone ready for a developer's commands. Returns the interpreter to use. */
export function prepare() {
  ensureNodeModules();
  const python = ensureVenv({ dev: true });
  ensureAddon(python);
  // It said what to build with; to the built addon it would name another virtual environment.
  delete process.env.MEMORY64_PYTHON;
  return python;
}
