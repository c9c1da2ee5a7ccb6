/** What `llsm data …` and `llsm forge` say of what they made. */
import type { Drop } from '../../node/sets/clip.ts';
import type { SetOptions, SetResult } from '../../node/sets/make-set.ts';
import { Progress } from '../../node/system/progress.ts';

/** Runs `make` with a progress line. @param images in one unit of the work */
export async function withProgress<Result>(
  label: string,
  images: number,
  make: (progress: NonNullable<SetOptions['progress']>) => Promise<Result>,
): Promise<Result> {
  let bar: Progress | undefined;
  try {
    return await make((done, total) => {
      // What an earlier run did says nothing of this one's rate.
      bar ??= new Progress({ label, total, images, done: done - 1 });
      bar.update(done);
    });
  } finally {
    bar?.stop();
  }
}

/** The result, on standard output. */
export function printSet(out: string, result: SetResult, json: true | undefined): void {
  if (json) {
    console.log(JSON.stringify({ out, ...result }));
    return;
  }
  const { written, kept, labels, people } = result;
  const splits = Object.entries(result.splits).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${out}: ${written + kept} faces (${labels.real} real, ${labels.forged} forged) of ${people} ` +
      `people (${splits.join(', ')}); ${kept} were there before`,
  );
  if (result.withoutMask > 0) {
    console.log(
      `${result.withoutMask} forged faces have no mask: they count for the verdict only, not for where`,
    );
  }
  for (const note of result.notes) console.log(note);
  printDropped(result.dropped, out);
}

/** The commonest reasons, one example each. */
export function printDropped(dropped: readonly Drop[], out: string): void {
  const kinds = new Map<string, { count: number; example: string }>();
  for (const { file, frame, part, reason } of dropped) {
    // What differs from file to file, its name and numbers, does not make another reason.
    const kind = `${part} ${reason.replace(/\S*[/\\]\S*/g, '').replace(/\d+/g, '')}`;
    const where = frame === undefined ? file : `${file}, frame ${frame}`;
    const what = part ? ` (kept without ${part})` : '';
    const known = kinds.get(kind) ?? { count: 0, example: `${where}${what}: ${reason}` };
    known.count++;
    kinds.set(kind, known);
  }
  if (kinds.size === 0) return;
  console.log(`${dropped.length} left out (all of them in ${out}/dropped.jsonl):`);
  const common = [...kinds.values()].sort((a, b) => b.count - a.count).slice(0, 8);
  for (const { count, example } of common) console.log(`  ${count} x such as ${example}`);
}
