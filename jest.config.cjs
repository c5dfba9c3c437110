'use strict';

module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/tests/js/**/*.test.js'],
  // Generated folders hold package.json files of their own, which jest would take for modules.
  modulePathIgnorePatterns: ['<rootDir>/.venv/', '<rootDir>/build/'],
  maxWorkers: 2,
  // No test is about time, and a busy machine takes its time.
  testTimeout: 120_000,
};
