/**
 * A process that looks at files: the GPU, its driver and the codecs are in here, so that whatever a
 * file does to them does not end the scan. `Examination` starts it and is its other end.
 */
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { describeGpu } from '../../src/gpu/device.ts';
import { openTunedGpu } from '../gpu/tuned.ts';
import type { HashKind } from './line.ts';
import type { FromExaminer, ToExaminer } from './messages.ts';
import { TryAgain } from './read.ts';
import { buildExaminer, identityOf, type ScanSettings } from './settings.ts';
import type { VideoPart } from './video.ts';
import { ScanWorker } from './worker.ts';

const say = (message: FromExaminer): void => {
  process.send?.(message);
};

/** Says why and ends, once that is on its way. */
function end(error: unknown): void {
  const message: FromExaminer = {
    fatal: error instanceof LlsmError ? error.message : String((error as Error)?.stack ?? error),
    expected: error instanceof LlsmError,
  };
  process.send?.(message, () => process.exit(1));
}

// Ctrl-C reaches all processes of a terminal; this one ends with the one that started it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', end);
process.on('unhandledRejection', end);

const settings = JSON.parse(process.argv[2]) as ScanSettings;
const answers = new Map<number, (answer: { wanted: boolean; parts: VideoPart[] }) => void>();

const kept = new Map<number, (kept: boolean) => void>();

async function start(): Promise<void> {
  const gpu = await openTunedGpu((note) => say({ note }));
  const worker = new ScanWorker(await buildExaminer(gpu, settings), identityOf(settings), settings);

  const answer = async (id: number, task: Extract<ToExaminer, { task: unknown }>['task']) => {
    try {
      let parts: VideoPart[] = [];
      const wanted = async (hash: string, of: HashKind): Promise<boolean> => {
        say({ id, hash, of });
        const answer = await new Promise<{ wanted: boolean; parts: VideoPart[] }>((resolve) =>
          answers.set(id, resolve),
        );
        if (of === 'bytes') parts = answer.parts;
        return answer.wanted;
      };
      const line = await worker.examine(task, wanted, {
        known: () => parts,
        // The next part begins when this one is kept.
        onPart: async (of, part) => {
          say({ id, of, part });
          if (!(await new Promise<boolean>((resolve) => kept.set(id, resolve)))) {
            throw new TryAgain(`${task.file}: its part ${part.index} could not be kept`);
          }
        },
      });
      say({ id, line });
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      say({ id, again: messageOf(error) });
    }
  };
  process.on('message', (message: ToExaminer) => {
    if ('task' in message) {
      answer(message.id, message.task).catch(end);
      return;
    }
    if ('stop' in message) {
      worker.stop();
      return;
    }
    if ('kept' in message) {
      kept.get(message.id)?.(message.kept);
      kept.delete(message.id);
      return;
    }
    answers.get(message.id)?.(message);
    answers.delete(message.id);
  });
  const { parallel, threshold } = worker;
  say({ ready: { adapter: describeGpu(gpu), parallel, threshold } });
}

start().catch(end);
