'use strict';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A file that needs itself cannot be read from top to bottom.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'only-binding-loads-the-addon',
      severity: 'error',
      from: { pathNot: '^js/binding[.]js$' },
      to: { path: '[.]node$' },
    },
    {
      name: 'library-stands-alone',
      comment: 'What is shipped may not need what sets it up, tests it or shows it.',
      severity: 'error',
      from: { path: '^(js/|native[.])' },
      to: { path: '^(scripts|tests|demo|bench|models)/' },
    },
    {
      name: 'library-needs-no-packages',
      comment: 'The dependencies in package.json build the addon; at run time there is only Node.',
      severity: 'error',
      from: { path: '^(js/|native[.])' },
      to: { dependencyTypesNot: ['local', 'core', 'undetermined', 'unknown'] },
    },
    {
      name: 'no-missing-files',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '[.]node$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
  },
};
