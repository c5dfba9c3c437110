import path from 'node:path';

import { main } from './failure.mjs';
import { buildFolder, root, venvProgram } from './paths.mjs';
import { show } from './run.mjs';
import { hashFiles, readStamp, writeStamp } from './stamp.mjs';

// The release build lists there how each file is compiled, and is made anew when that changes.
const folder = path.join(buildFolder, 'Release');
const stampFile = path.join(folder, 'clang-tidy.json');

await main(() => {
  const content = { passed: hashFiles(root, ['.clang-tidy', 'addon']) };
  // It takes most of a minute, and most commits leave the addon alone.
  if (readStamp(stampFile)?.passed === content.passed) {
    console.log('Nothing has changed since it passed.');
    return;
  }
  process.exitCode = show(
    venvProgram('run-clang-tidy.py'),
    ['-p', folder, '-clang-tidy-binary', venvProgram('clang-tidy'), '-quiet', '-hide-progress'],
    { cwd: root },
  );
  if (process.exitCode === 0) writeStamp(stampFile, content);
});
