import { main } from './failure.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { show } from './run.mjs';

await main(() => {
  const python = prepare();
  process.exitCode = show(python.executable, process.argv.slice(2), { cwd: root });
});
