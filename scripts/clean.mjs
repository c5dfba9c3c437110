import fs from 'node:fs';
import path from 'node:path';

import { main } from './failure.mjs';
import { root } from './paths.mjs';

const MADE_HERE = ['.venv', 'build', '.cache', 'python/memory64/guest/engine/build'];
const MADE_ANYWHERE = [
  '__pycache__',
  '.hypothesis',
  '.import_linter_cache',
  '.mypy_cache',
  '.pytest_cache',
  '.ruff_cache',
];

await main(() => {
  for (const name of MADE_HERE) remove(path.join(root, name));
  removeCaches(root);
});

function removeCaches(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || ['.git', 'node_modules'].includes(entry.name)) continue;
    const inner = path.join(folder, entry.name);
    if (MADE_ANYWHERE.includes(entry.name)) remove(inner);
    else removeCaches(inner);
  }
}

function remove(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
}
