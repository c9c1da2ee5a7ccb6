/** The side of a peer that is a Node process: see `contestant.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readSafetensors } from '../../node/files/checkpoint.ts';
import { writeFileWhole } from '../../node/system/write-file.ts';
import { messageOf } from '../../src/base/errors.ts';
import { type HostTensor, serialiseSafetensors } from '../../src/model/safetensors.ts';
import type { Answer, Probe, Task } from './task.ts';

/** A row's task with its files read. */
export interface Assignment {
  task: Task;
  folder: string;
  input: Map<string, HostTensor>;
}

export interface Prepared {
  /** What the first run computed. */
  outputs: Map<string, HostTensor>;
  /** So many runs; resolves when the device is done. */
  run(repeats: number): Promise<void>;
}

/** The program of a peer. Its last argument is `probe` or a row's folder. Never returns. */
export async function serve(
  name: string,
  probe: () => Promise<Probe>,
  prepare: (assignment: Assignment) => Promise<Prepared>,
): Promise<never> {
  const folder = process.argv.at(-1) as string;
  const say = (answer: Answer | Probe) =>
    new Promise<void>((said) => process.stdout.write(`${JSON.stringify(answer)}\n`, () => said()));
  try {
    if (folder === 'probe') await say(await probe());
    else {
      const prepared = await prepare({
        folder,
        task: JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8')) as Task,
        input: readSafetensors(join(folder, 'input.safetensors')).tensors,
      });
      writeFileWhole(
        join(folder, `${name}.safetensors`),
        serialiseSafetensors(prepared.outputs, {}),
      );
      await say({ ready: true });
      for await (const line of createInterface({ input: process.stdin })) {
        const start = performance.now();
        await prepared.run(Number(line));
        await say({ milliseconds: performance.now() - start });
      }
    }
  } catch (error) {
    await say({ absent: messageOf(error).split('\n')[0] });
  }
  // A GPU keeps the process alive.
  process.exit(0);
}
