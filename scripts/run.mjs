import { spawnSync } from 'node:child_process';

const OUTPUT_LIMIT = 256 * 1024 * 1024;

const verbose =
  process.argv.includes('--verbose') ||
  ['verbose', 'silly'].includes(process.env.npm_config_loglevel);

/**
 * Runs a program to its end and keeps what it printed, showing it only when asked to be verbose.
 * @returns {{ ok: boolean, output: string, missing: boolean }}
 */
export function run(command, args, { cwd, env = process.env } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: OUTPUT_LIMIT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = `${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`;
  if (verbose) process.stderr.write(output);
  return { ok: status === 0, output, stdout: stdout ?? '', missing: error?.code === 'ENOENT' };
}

/** Runs a program in front of the user: its output is theirs. Returns its exit code. */
export function show(command, args, { cwd, env = process.env } = {}) {
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
}

const NO_SPACE = /No space left on device|ENOSPC|Disk quota exceeded/i;
const NO_NETWORK = new RegExp(
  [
    'Temporary failure in name resolution',
    'Name or service not known',
    'Network is unreachable',
    'Connection refused',
    'connection broken by',
    'NewConnectionError',
    'Max retries exceeded',
    'from versions: none',
    'Read timed out',
    'ProxyError',
    'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT',
  ].join('|'),
);

/** What a failed program's output says of the machine: 'disk', 'network' or undefined. */
export function causeOf(output) {
  if (NO_SPACE.test(output)) return 'disk';
  if (NO_NETWORK.test(output)) return 'network';
  return undefined;
}
