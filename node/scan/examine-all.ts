/** Many files through one process that looks at them, each tried until something can be said (Node only). */
import { messageOf } from '../../src/base/errors.ts';
import { Company } from './company.ts';
import { Died, type Examines } from './examination.ts';
import type { HashKind, ScanLine, ScanTask } from './line.ts';
import { TryAgain } from './read.ts';
import type { VideoHooks } from './video.ts';
import type { Wanted } from './worker.ts';

/** A file that could be looked at in none of its tries. */
export interface Hopeless {
  task: ScanTask;
  sha256: string | null;
  tries: number;
  message: string;
  /** Whether a process ended over it; else another moment may fare better. */
  died: boolean;
}

export interface ExamineAllOptions {
  /** Files in hand at once (default what the process says). */
  parallel?: number;
  /** Tries of a file (default 3). */
  tries?: number;
  /** Milliseconds before a file is tried again; doubled from try to try (default 500). */
  pause?: number;
  /** Who else is given to the same process, if anybody is: a file that is alone is so among all. */
  company?: Company;
  /** Files that somebody died of before: looked at alone, and so many tries are behind them. */
  suspects?: ReadonlyMap<string, number>;
  /** Whether to stop: what is in hand is finished, videos after their part; nothing more is begun. */
  stop?: () => boolean;
  /** What videos go on from, and who keeps their parts. */
  video?: VideoHooks;
  /** Asked when a file's bytes are known, and its pixels; and whether the file is in hand alone. */
  wanted?: (task: ScanTask, hash: string, of: HashKind, alone: boolean) => ReturnType<Wanted>;
  /** Told before each try of a file, and whether it is in hand alone. */
  onBegin?: (task: ScanTask, alone: boolean) => void | Promise<void>;
  /** Receives each file's line, or null and its hash where it was not wanted; in the order they are done. */
  onLine: (task: ScanTask, line: ScanLine | null, sha256: string | null) => void | Promise<void>;
  /** Told after a try that came to nothing; there may be another. */
  onFailed?: (task: ScanTask) => void | Promise<void>;
  /** Receives a file that is given up. */
  onHopeless: (hopeless: Hopeless) => void | Promise<void>;
}

/**
 * Looks at files, several at once. Where the process ends, each of those that were in hand is looked
 * at again, alone, so that only the one that is to blame is: it is given up after so many tries.
 * @returns whether all were looked at: false where it was stopped
 * @throws LlsmError where no file can be looked at any more, and what the callbacks throw
 */
export async function examineAll(
  examines: Examines,
  tasks: Iterable<ScanTask> | AsyncIterable<ScanTask>,
  given: ExamineAllOptions,
): Promise<boolean> {
  const options = { ...given, company: given.company ?? new Company() };
  const { suspects, stop = () => false, parallel = examines.parallel } = options;
  const all = each(tasks);
  const later: ScanTask[] = [];
  let failure: { error: unknown } | undefined;
  let stopped = false;
  const over = () => {
    stopped ||= stop();
    return stopped || failure !== undefined;
  };
  const guarded = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      failure ??= { error };
    }
  };
  const lane = async (): Promise<void> => {
    while (!over()) {
      const next = await all.next();
      if (next.done) return;
      const task = next.value;
      // What was drawn from the list is put back by nobody: it is looked at by the next scan.
      if (over()) return;
      if (suspects?.has(task.file)) later.push(task);
      else if (!(await oneTry(examines, task, 0, options, false))) later.push(task);
    }
  };
  await Promise.all(Array.from({ length: parallel }, () => guarded(lane())));
  for (const task of later) {
    if (over()) break;
    await guarded(alone(examines, task, options, over));
  }
  if (failure) throw failure.error;
  return !stopped;
}

type Shared = ExamineAllOptions & { company: Company };

async function* each(
  tasks: Iterable<ScanTask> | AsyncIterable<ScanTask>,
): AsyncGenerator<ScanTask, void, undefined> {
  yield* tasks;
}

async function alone(
  examines: Examines,
  task: ScanTask,
  options: Shared,
  over: () => boolean,
): Promise<void> {
  const { pause = 500, suspects, tries = 3 } = options;
  for (let done = suspects?.get(task.file) ?? 0; !over(); done++) {
    if (done >= tries) {
      const message = `a process that looked at it ended, ${done} times`;
      await options.onHopeless({ task, sha256: null, tries: done, message, died: true });
      return;
    }
    if (await oneTry(examines, task, done, options, true)) return;
    await new Promise((resolve) => setTimeout(resolve, pause * 2 ** done));
  }
}

/**
 * A try of a file.
 * @param done tries that are behind it, where it was in hand alone
 * @returns whether the file is settled: it has a line, is not wanted, or is given up
 */
async function oneTry(
  examines: Examines,
  task: ScanTask,
  done: number,
  options: Shared,
  isAlone: boolean,
): Promise<boolean> {
  const { tries = 3, wanted = () => true } = options;
  let sha256: string | null = null;
  const leave = await options.company.enter(isAlone);
  try {
    await options.onBegin?.(task, isAlone);
    const asked: Wanted = (hash, of) => {
      if (of === 'bytes') sha256 = hash;
      return wanted(task, hash, of, isAlone);
    };
    const line = await examines.examine(task, asked, options.video);
    if (line) line.tries = done + 1;
    await options.onLine(task, line, sha256);
    return true;
  } catch (error) {
    if (!(error instanceof Died || error instanceof TryAgain)) throw error;
    await options.onFailed?.(task);
    // In company, any of several may be to blame: that try does not count. Nor does one that was stopped.
    if (options.stop?.() || !isAlone || done + 1 < tries) return false;
    const [message, died] = [messageOf(error), error instanceof Died];
    await options.onHopeless({ task, sha256, tries: done + 1, message, died });
    return true;
  } finally {
    leave();
  }
}
