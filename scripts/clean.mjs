import fs from 'node:fs';
import path from 'node:path';

import { main } from './failure.mjs';
import { root } from './paths.mjs';

const MADE = [
  ...['.venv', 'build', '.cache'],
  ...['.hypothesis', '.import_linter_cache', '.mypy_cache', '.pytest_cache', '.ruff_cache'],
];
const WITH_PYTHON = ['addon', 'bench', 'models', 'python', 'scripts', 'tests'];

await main(() => {
  for (const name of [...MADE, ...WITH_PYTHON.flatMap(byteCodeIn)]) {
    fs.rmSync(path.join(root, name), { recursive: true, force: true });
  }
});

function byteCodeIn(folder) {
  const names = fs.readdirSync(path.join(root, folder), { recursive: true });
  return names
    .filter((name) => path.basename(name) === '__pycache__')
    .map((name) => path.join(folder, name));
}
