/** ffmpeg and ffprobe as child processes, without a shell (Node only). */
import { spawn } from 'node:child_process';
import { LlsmError } from '../errors.ts';

export interface FfmpegOptions {
  /** Written to its standard input. */
  input?: Uint8Array;
  /** It is ended after as many (default 120). */
  seconds?: number;
  /** It is ended when it has written more (default 1 GiB). */
  mostBytes?: number;
}

/** Lines of its standard error that an error message shows. */
const shownLines = 3;
const keptText = 4096;

/**
 * Runs one of ffmpeg's programs and gives what it writes to standard output.
 * @param what it is used for, as the beginning of an error message (a file's name)
 * @throws LlsmError where it is not installed, fails, takes too long or writes too much
 */
export function runFfmpeg(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  what: string,
  { input, seconds = 120, mostBytes = 2 ** 30 }: FfmpegOptions = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stdin = input ? 'pipe' : 'ignore';
    const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let said = '';
    let failure: string | undefined;
    const end = (reason: string) => {
      failure ??= reason;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(
      () => end(`${program} took more than ${seconds} seconds`),
      seconds * 1000,
    );
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) end(`${program} wrote more than ${mostBytes} bytes`);
      else chunks.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-keptText);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const missing = error.code === 'ENOENT';
      reject(
        new LlsmError(
          missing
            ? `${what}: this needs ${program}, which is not installed (on Debian and Ubuntu: apt install ffmpeg)`
            : `${what}: ${program} cannot be started: ${error.message}`,
        ),
      );
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (failure === undefined && code === 0) return resolve(Buffer.concat(chunks, bytes));
      const lines = said.trim().split('\n').slice(-shownLines).join('; ');
      reject(
        new LlsmError(`${what}: ${failure ?? `${program} failed (${lines || `status ${code}`})`}`),
      );
    });
    // A program that stops reading is told of by its status.
    child.stdin?.on('error', () => {});
    if (input) child.stdin?.end(input);
  });
}
