import js from '@eslint/js';
import globals from 'globals';

const rules = {
  complexity: ['error', 12],
  'consistent-return': 'error',
  curly: ['error', 'multi-line'],
  eqeqeq: 'error',
  'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
  'max-depth': ['error', 3],
  'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
  'no-else-return': 'error',
  'no-implicit-coercion': 'error',
  'no-param-reassign': 'error',
  'no-promise-executor-return': 'error',
  'no-shadow': 'error',
  'no-throw-literal': 'error',
  'no-useless-concat': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'prefer-promise-reject-errors': 'error',
  'prefer-template': 'error',
  'require-await': 'error',
  strict: ['error', 'global'],
};

// dependency-cruiser sees only paths that are written out: a computed one could hide a .node file.
const onlyWrittenPaths = {
  'no-restricted-properties': ['error', { object: 'process', property: 'dlopen' }],
  'no-restricted-syntax': [
    'error',
    {
      selector: "CallExpression[callee.name='require'] > :not(Literal).arguments:first-child",
      message: 'Only js/binding.js may load a path that is not written out.',
    },
  ],
};

export default [
  { ignores: ['build/', '**/.venv/', '.cache/', '**/node_modules/'] },
  js.configs.recommended,
  { rules, linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: globals.node },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: globals.nodeBuiltin } },
  { files: ['native.js', 'js/**/*.js'], ignores: ['js/binding.js'], rules: onlyWrittenPaths },
  { files: ['tests/js/**'], languageOptions: { globals: globals.jest } },
  { files: ['examples/electron/renderer.js'], languageOptions: { globals: globals.browser } },
  { files: ['tests/**'], rules: { 'max-lines-per-function': 'off' } },
];
