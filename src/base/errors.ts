/**
 * An expected failure: bad input, a missing file, a GPU that said no. Its message names the file
 * or field and what to do; commands print it without a stack and exit with 1.
 */
export class LlsmError extends Error {
  override name = 'LlsmError';
}

/** Error of a command that was called wrongly (an unknown option, a missing argument): exit status 2. */
export class UsageError extends LlsmError {
  override name = 'UsageError';
}

/** A failure that may be over when the command is run again (a full disk, a lost GPU): exit status 75. */
export class PassingError extends LlsmError {
  override name = 'PassingError';
}

/**
 * The message of anything thrown. Of the file system's errors the reason alone ("no such file or
 * directory"): who reports them names the file.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^E[A-Z0-9]+: (.*?), [a-z]+\b/s.exec(error.message)?.[1] ?? error.message;
}
