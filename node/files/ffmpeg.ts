/** ffmpeg and ffprobe as child processes, without a shell (Node only). */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

type Program = 'ffmpeg' | 'ffprobe';

export interface StreamOptions {
  /** Bytes for the program's standard input. */
  input?: Uint8Array;
  /** Seconds after which the program is ended (default 120). */
  seconds?: number;
  /** Whether the seconds count anew each time that its output is waited for: for a caller that is slow. */
  anew?: boolean;
  /** Bytes of memory that the program may take (default 4 GiB). */
  memory?: number;
  /** Told what the program says of the file, though it goes on. */
  onSaid?: (text: string) => void;
}

export interface FfmpegOptions extends StreamOptions {
  /** Bytes of output after which the program is ended (default 1 GiB). */
  mostBytes?: number;
}

/** Demuxers that may open a user's video: playlists and the like, which open other files, are not among them. */
const containers = 'mov,mp4,matroska,webm,avi';

/** Pixels of the largest frame that is read, 8192 x 4320; larger ones are refused. */
const maxFramePixels = 8192 * 4320;

const defaultMemory = 4 * 2 ** 30;

/** Lines of the program's standard error that an error message shows. */
const shownLines = 3;
const keptText = 4096;

/** util-linux's program that limits the memory of what it starts; macOS and Windows have none. */
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path));

/**
 * The arguments that open a user's video: as a local file, whatever its name looks like, and
 * nothing that it refers to.
 */
export const openVideo = (path: string): string[] => [
  ...['-protocol_whitelist', 'file', '-format_whitelist', containers],
  ...['-max_pixels', `${maxFramePixels}`, '-i', `file:${path}`],
];

function start(program: Program, args: readonly string[], memory: number, input: boolean) {
  // Its own limit is for single allocations; the system's holds for all of them.
  const limits = ['-max_alloc', `${memory}`];
  const quiet = ['-hide_banner', '-v', 'error', ...(program === 'ffmpeg' ? ['-nostdin'] : [])];
  const own = [...limits, ...quiet, ...args];
  const stdio: ['pipe' | 'ignore', 'pipe', 'pipe'] = [input ? 'pipe' : 'ignore', 'pipe', 'pipe'];
  const options = { stdio, env: { ...process.env, LC_ALL: 'C' } };
  return prlimit
    ? spawn(prlimit, [`--as=${memory}`, '--', program, ...own], options)
    : spawn(program, own, options);
}

/**
 * Runs one of ffmpeg's programs and gives what it writes to standard output, as it comes. It waits
 * where the caller takes its time, and is ended where the caller stops.
 * @param what it is used for, as the beginning of an error message (a file's name)
 * @throws LlsmError where it is not installed, fails, or takes too long
 */
export async function* streamFfmpeg(
  program: Program,
  args: readonly string[],
  what: string,
  { input, seconds = 120, anew = false, memory = defaultMemory, onSaid }: StreamOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const child = start(program, args, memory, input !== undefined);
  let said = '';
  let failure: string | undefined;
  let missing = false;
  const startTimer = () =>
    setTimeout(() => {
      failure = `${program} took more than ${seconds} seconds`;
      child.kill('SIGKILL');
    }, seconds * 1000);
  let timer = startTimer();
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-keptText);
    onSaid?.(chunk.toString());
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      missing = error.code === 'ENOENT';
      failure ??= `${program} cannot be started: ${error.message}`;
      resolve(null);
    });
    child.on('close', (code) => resolve(code));
  });
  // A program that stops reading is told of by its status.
  child.stdin?.on('error', () => {});
  if (input) child.stdin?.end(input);
  try {
    try {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        if (anew) clearTimeout(timer);
        yield chunk;
        if (anew) timer = startTimer();
      }
    } catch (error) {
      failure ??= messageOf(error);
    }
    const code = await ended;
    // What prlimit cannot start ends with 127.
    if (missing || (code === 127 && said.includes('failed to execute'))) {
      throw new LlsmError(
        `${what}: this needs ${program}, which is not installed (on Debian and Ubuntu: apt install ffmpeg)`,
      );
    }
    if (failure === undefined && code === 0) return;
    throw new LlsmError(`${what}: ${failure ?? `${program} failed (${reasonOf(said, code)})`}`);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** ffmpeg as a program that is fed: see `feedFfmpeg`. */
export interface FedFfmpeg {
  /** Resolves when more can be written. @throws LlsmError where ffmpeg has ended */
  write(data: Uint8Array): Promise<void>;
  /** Ends its input and waits for its end. @throws LlsmError where it failed, or takes too long */
  end(): Promise<void>;
  /** Ends it as it is. */
  kill(): void;
}

/**
 * Starts ffmpeg with its standard input to be written to.
 * @param seconds that it may take after its input has ended
 */
export function feedFfmpeg(args: readonly string[], what: string, seconds = 120): FedFfmpeg {
  const child = start('ffmpeg', args, defaultMemory, true);
  const stdin = child.stdin as Writable;
  let said = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-keptText);
  });
  const ended = new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(`ffmpeg cannot be started: ${error.message}`));
    child.on('close', (code) =>
      resolve(code === 0 ? null : `ffmpeg failed (${reasonOf(said, code)})`),
    );
  });
  // A program that stops reading is told of by its status.
  stdin.on('error', () => {});
  const failed = (failure: string | null): never => {
    throw new LlsmError(`${what}: ${failure ?? 'ffmpeg stopped reading'}`);
  };
  return {
    async write(data) {
      if (child.exitCode !== null || child.signalCode !== null) failed(await ended);
      if (stdin.write(data)) return;
      const free = new Promise<true>((resolve) => stdin.once('drain', () => resolve(true)));
      const first = await Promise.race([free, ended]);
      if (first !== true) failed(first);
    },
    async end() {
      stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
      const failure = await ended;
      clearTimeout(timer);
      if (failure !== null) failed(failure);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Last words of the program's standard error, without the addresses of its parts. */
function reasonOf(said: string, code: number | null): string {
  const lines = said.trim().replace(/ @ 0x[0-9a-f]+/g, '');
  return lines.split('\n').slice(-shownLines).join('; ') || `status ${code}`;
}

/**
 * Likewise, all of what it writes at once.
 * @throws LlsmError as `streamFfmpeg`, and where it writes too much
 */
export async function runFfmpeg(
  program: Program,
  args: readonly string[],
  what: string,
  { mostBytes = 2 ** 30, ...options }: FfmpegOptions = {},
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of streamFfmpeg(program, args, what, options)) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      throw new LlsmError(`${what}: ${program} wrote more than ${mostBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * Makes sure that both programs are there, before work on many files begins.
 * @param what needs them, as the beginning of the message
 * @throws LlsmError that says what to install
 */
export async function needFfmpeg(what: string): Promise<void> {
  for (const program of ['ffmpeg', 'ffprobe'] as const) {
    await runFfmpeg(program, ['-version'], what);
  }
}
