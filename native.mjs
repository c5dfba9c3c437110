export { default } from './native.js';
export * from './native.js';
