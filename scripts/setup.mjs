import { ensureAddon } from './build-addon.mjs';
import { main } from './failure.mjs';
import { ensureVenv } from './venv.mjs';

await main(() => {
  const python = ensureVenv({ dev: process.argv.includes('--dev') });
  ensureAddon(python, { rebuild: process.argv.includes('--rebuild') });
});
