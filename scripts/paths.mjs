import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

export const venvFolder = path.join(root, '.venv');
export const buildFolder = path.join(root, 'build');
export const cacheFolder = path.join(root, '.cache');

export function venvProgram(name, venv = venvFolder) {
  return path.join(venv, 'bin', name);
}

export function nodeProgram(name) {
  return path.join(root, 'node_modules', '.bin', name);
}
