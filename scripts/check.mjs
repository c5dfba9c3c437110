import { Failure, main } from './failure.mjs';
import { nodeProgram, root, venvProgram } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { show } from './run.mjs';
import { filesUnder } from './stamp.mjs';

const SCRIPTS = '{js,scripts,tests,demo,bench,examples}/**/*.{js,mjs,cjs,ts,mts,cts,html}';

/** The steps of each group: a heading, a program, its arguments. */
const GROUPS = {
  lint: () => [
    ['ruff check', venvProgram('ruff'), 'check', '.'],
    ['ruff format', venvProgram('ruff'), 'format', '--check', '.'],
    ['import-linter', venvProgram('lint-imports'), '--config', 'python/pyproject.toml'],
    ['eslint', nodeProgram('eslint'), '.'],
    ['prettier', nodeProgram('prettier'), '--check', '*.{js,mjs,cjs,mts,json,yaml}', SCRIPTS],
    ['dependency-cruiser', nodeProgram('depcruise'), 'js', 'native.js', 'native.mjs'],
    ['publint', nodeProgram('publint'), '--strict'],
    [
      'clang-format',
      venvProgram('clang-format'),
      '--dry-run',
      '-Werror',
      ...files('addon', /\.(cc|h)$/),
      ...files('python/memory64/guest/engine', /\.[ch]$/),
      ...files('python/memory64/guest/include', /\.h$/),
      ...files('examples/guests', /\.c$/),
    ],
    ['clang-tidy', process.execPath, 'scripts/clang-tidy.mjs'],
  ],
  types: () => [
    [
      'mypy',
      venvProgram('mypy'),
      '--config-file',
      'python/pyproject.toml',
      'python/memory64',
      'models',
      'bench',
    ],
    ['tsd', nodeProgram('tsd')],
  ],
  tests: () => [
    ['pytest', venvProgram('pytest'), '-n', '2'],
    ['set-up tests', process.execPath, '--test', ...files('tests/setup', /\.test\.mjs$/)],
    ['jest', nodeProgram('jest')],
  ],
};

function files(folder, pattern) {
  return filesUnder(root, folder).filter((file) => pattern.test(file));
}

await main(() => {
  prepare();
  for (const group of process.argv.slice(2)) {
    for (const [heading, program, ...args] of GROUPS[group]()) runStep(heading, program, args);
  }
});

function runStep(heading, program, args) {
  console.log(`\n── ${heading}`);
  const status = show(program, args, { cwd: root });
  if (status !== 0) throw new Failure(`The step "${heading}" failed with exit code ${status}.`);
}
