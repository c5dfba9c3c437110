/** Something the user can put right: told in one message with its remedy, without a stack trace. */
export class Failure extends Error {
  constructor(message, remedy) {
    super(message);
    this.name = 'Failure';
    this.remedy = remedy;
  }
}

const OUTPUT_LINES = 25;

/** The lines of a tool's output from its first error on, or else its last ones, indented. */
export function excerpt(output) {
  const lines = output.trimEnd().split('\n');
  const first = lines.findIndex((line) => /\berror[: ]/i.test(line));
  const shown = first < 0 ? lines.slice(-OUTPUT_LINES) : lines.slice(first, first + OUTPUT_LINES);
  return shown.map((line) => `  | ${line}`).join('\n');
}

export function diskFull(path) {
  return new Failure(
    `The disk is full: ${path} could not be written.`,
    'Free about 1 GB there (npm run clean gives back what this project uses), then try again.',
  );
}

const SYSTEM_FAILURES = {
  ENOSPC: (error) => diskFull(error.path ?? error.dest ?? 'a file'),
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
};

function notWritable(error) {
  return new Failure(
    `${error.path ?? 'A file'} may not be written (${error.code}).`,
    'Run the set-up as the owner of this folder, or give yourself the right to write there.',
  );
}

/** Runs a script's work; a failure becomes its message and exit code 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    const failure = error instanceof Failure ? error : SYSTEM_FAILURES[error.code]?.(error);
    if (!failure) throw error;
    console.error(`\nmemory64: ${failure.message}\n`);
    if (failure.remedy) console.error(`${failure.remedy}\n`);
    process.exitCode = 1;
  }
}
