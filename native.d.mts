export { default } from './js/index.js';
export * from './js/index.js';
