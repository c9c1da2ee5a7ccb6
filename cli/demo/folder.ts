/** The folder of a demo: what it was begun with, and how far it is (Node only). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeFileWhole } from '../../node/system/write-file.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { problemsOf } from '../../src/base/problems.ts';

/** Validation AUC at which training is good enough. */
export const targetAuc = 0.95;

const demoSchema = z.strictObject({
  people: z.int(),
  seed: z.int(),
  /** Absent until training has ended for one reason or the other. */
  training: z
    .strictObject({
      /** Spent on training, all sessions together. */
      seconds: z.number(),
      steps: z.int(),
      stopped: z.enum(['auc', 'minutes', 'steps', 'interrupted']),
      best: z.strictObject({ auc: z.number(), step: z.int() }).optional(),
    })
    .optional(),
});

/** demo.json. */
export type Demo = z.output<typeof demoSchema>;

const marker = 'demo.json';

/** Writes what is known now. */
export function saveDemo(out: string, demo: Demo): void {
  writeFileWhole(join(out, marker), [`${JSON.stringify(demo, null, 2)}\n`]);
}

/**
 * Makes a demo's folder, or opens one to continue it.
 * @throws LlsmError where the folder holds something else, or a demo with other people or seed
 */
export function openDemo(out: string, given: Pick<Demo, 'people' | 'seed'>): Demo {
  const path = join(out, marker);
  makeFolder(out);
  const names = readdirSync(out);
  if (!existsSync(path)) {
    if (names.length > 0) {
      throw new LlsmError(
        `${out} holds something else (${names[0]}) and no demo: name an empty or new folder ` +
          'with --out',
      );
    }
    saveDemo(out, given);
    return { ...given };
  }
  const kept = readDemo(path);
  for (const key of ['people', 'seed'] as const) {
    if (kept[key] !== given[key]) {
      throw new LlsmError(
        `${out} was begun with --${key} ${kept[key]}, not ${given[key]}: continue it with ` +
          `--${key} ${kept[key]}, or name another folder with --out`,
      );
    }
  }
  return kept;
}

function readDemo(path: string): Demo {
  try {
    return demoSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? problemsOf(error) : messageOf(error);
    throw new LlsmError(`${path} cannot be used (${why}): name another folder with --out`);
  }
}
