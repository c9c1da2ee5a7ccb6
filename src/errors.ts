/**
 * An expected failure: bad input, a missing file, a GPU that said no. Its message names the file
 * or field and what to do; commands print it without a stack and exit with 1.
 */
export class LlsmError extends Error {
  override name = 'LlsmError';
}

/** The command itself was called wrongly (an unknown option, a missing argument): exit status 2. */
export class UsageError extends LlsmError {
  override name = 'UsageError';
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
