/** A lock file that says which process holds a folder, and outlives no process (Node only). */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Time at which the lock was taken, as an ISO 8601 text. */
  since: z.string(),
  /** Identity of the process, unlike that of a later one of the same id; null where the system gives none. */
  process: z.string().nullable(),
});

type Holder = z.output<typeof holderSchema>;

export interface Lock {
  /** Line that says that the lock of a dead process was taken over; absent where none was. */
  takenOver?: string;
  release(): void;
}

/** Age in ms up to which a lock without content is live: its writer may have been stopped before it wrote. */
const UNWRITTEN_MS = 10_000;

/**
 * Takes the lock, also from a process of this machine that no longer runs.
 *
 * @throws LlsmError where another process holds it, or may: on another machine nobody can tell
 */
export function takeLock(path: string): Lock {
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    process: identity(process.pid),
  } satisfies Holder);
  let takenOver: string | undefined;
  while (!create(path, mine)) {
    const text = read(path);
    if (text === undefined) continue; // released just now
    const dead = refuseLive(path, text);
    if (!removeSeen(path, text)) continue;
    takenOver = dead;
  }
  const release = () => {
    process.off('exit', release);
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return { takenOver, release };
}

function create(path: string, content: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new LlsmError(`The lock ${path} cannot be made: ${messageOf(error)}`);
  }
  try {
    writeSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw new LlsmError(`The lock ${path} cannot be written: ${messageOf(error)}`);
  } finally {
    closeSync(file);
  }
  return true;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Describes a dead holder, in a line. @throws LlsmError for a holder that lives, or may */
function refuseLive(path: string, text: string): string {
  const holder = parse(text);
  if (!holder) {
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > UNWRITTEN_MS) return `took over an unreadable lock (${path})`;
    throw new LlsmError(`${path} is being taken by another process: try again in a moment`);
  }
  const { pid, host, since } = holder;
  const who = `process ${pid} on ${host}, since ${since}`;
  if (host !== hostname()) {
    throw new LlsmError(
      `${path} is held by ${who}. Whether it still runs cannot be told from this machine: ` +
        'if it does not, remove that file',
    );
  }
  if (lives(holder)) {
    throw new LlsmError(`${path} is held by ${who}: wait for it or stop it`);
  }
  return `took over the lock of a process that no longer runs (${who})`;
}

function parse(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function lives({ pid, process: known }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // A zombie can be sent signals until its parent asks how it ended, which some never do.
  if (/^[ZX]$/.test(statFields(pid)?.[0] ?? '')) return false;
  const now = identity(pid);
  return known === null || now === null || now === known;
}

/** Identity of a process: on Linux the boot and the start time in ticks since then; elsewhere null. */
function identity(pid: number): string | null {
  const started = statFields(pid)?.[19];
  if (started === undefined) return null;
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${started}`;
  } catch {
    return null;
  }
}

/**
 * On Linux what `/proc/PID/stat` (proc(5)) has from the process's state on, which is its third
 * field; undefined elsewhere. The name before it stands in parentheses and may hold blanks.
 */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Removes a stale lock, unless another process has replaced it since it was read. */
function removeSeen(path: string, seen: string): boolean {
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const found = readFileSync(aside, 'utf8');
  if (found !== seen) create(path, found);
  rmSync(aside);
  return found === seen;
}
