import { ensureAddon } from './build-addon.mjs';
import { ensureEngine } from './build-engine.mjs';
import { main } from './failure.mjs';
import { ensureVenv } from './venv.mjs';

await main(() => {
  const python = ensureVenv({ dev: process.argv.includes('--dev') });
  ensureEngine(python);
  ensureAddon(python, { rebuild: process.argv.includes('--rebuild') });
});
