// PATH auto|on SMALL_MODEL: opens PATH, Python having been started by opening another model.
import { loadModel } from '../../native.mjs';
import { measureOpening } from './opening.mjs';

const [path, mode, small] = process.argv.slice(2);

const first = await loadModel(small, { memory64: true });
await first.close();

const model = await measureOpening(() =>
  loadModel(path, { memory64: mode === 'on' ? true : 'auto' }),
);
await model.close();
