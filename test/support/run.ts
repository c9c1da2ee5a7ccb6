/**
 * How every test file declares its tests. uvu runs them; this adds what a GPU needs: the process
 * is ended once the tests are done (Dawn would keep it alive), and one line tells the runner what
 * happened, so that nothing is counted by guessing.
 *
 *     import * as assert from 'uvu/assert';
 *     import { skip, test } from './run.ts';
 *
 *     const device = await openDevice();       // top-level await is fine
 *     test('adds', () => assert.is(1 + 1, 2));  // may be async
 *     test.skip('needs ffmpeg', 'ffmpeg is not installed');
 *     test('reads photographs', () => {
 *       if (!folder) skip('set LLSM_TEST_DATA to a folder of photographs');
 *     });
 *
 * Nothing is called at the end: the tests run when the file has been evaluated to its last line.
 * `suite(name)` gives a named group with the same functions, and with before and after hooks.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** What one uvu suite resolves to: [error text or true, passed, skipped, all but the skipped]. */
type SuiteResult = [string | true, number, number, number];
type SuiteRunner = () => Promise<SuiteResult>;

// uvu starts by itself on a timer, in the middle of a file's top-level await, unless told to
// defer before it is loaded; hence the import below.
const shared = globalThis as unknown as { UVU_DEFER: number; UVU_QUEUE: SuiteRunner[][] };
shared.UVU_DEFER = 1;
const uvu = await import('uvu');

type Body = () => void | Promise<void>;

export interface Suite {
  (name: string, body: Body): void;
  /** Declares a test that is not run, and prints why. */
  skip(name: string, reason: string): void;
  /** Once before the first test of the suite. If it throws, the suite's tests count as failed. */
  before(body: Body): void;
  /** Once after the last test of the suite. */
  after(body: Body): void;
}

class Skip extends Error {}

const suites = new Set<{ run(): void }>();
let skippedInside = 0;
let hooksFailed = 0;

function printSkip(name: string, reason: string): void {
  process.stdout.write(`\n  skipped: ${name}: ${reason}\n`);
}

/** Leaves the running test, which then counts as skipped. */
export function skip(reason: string): never {
  throw new Skip(reason);
}

/** A named group of tests. */
export function suite(name: string): Suite {
  const group = uvu.suite(name);

  const declare = (title: string, body: Body) => {
    suites.add(group);
    group(title, async () => {
      try {
        await body();
      } catch (error) {
        if (error instanceof Skip) {
          skippedInside++;
          printSkip(title, error.message);
          return;
        }
        // uvu reads .name and .stack of whatever was thrown.
        throw error instanceof Error ? error : new Error(`thrown: ${String(error)}`);
      }
    });
  };

  // uvu drops what a before hook throws, and an after hook's error ends the whole run.
  const guarded = (kind: 'before' | 'after', body: Body) => async () => {
    try {
      await body();
    } catch (error) {
      hooksFailed++;
      process.stdout.write(`\n  FAIL  ${name} (${kind})\n`);
      console.log(error);
      if (kind === 'before') throw error; // so that uvu leaves the suite's tests out
    }
  };

  return Object.assign(declare, {
    skip(title: string, reason: string) {
      suites.add(group);
      printSkip(title, reason);
      group.skip(title);
    },
    before: (body: Body) => group.before(guarded('before', body)),
    after: (body: Body) => group.after(guarded('after', body)),
  });
}

/** The file's own, unnamed group. */
export const test: Suite = suite('');

async function finish(): Promise<never> {
  shared.UVU_QUEUE = [[null as unknown as SuiteRunner]];
  for (const group of suites) group.run();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  shared.UVU_QUEUE[0] = shared.UVU_QUEUE[0].map(
    (run) =>
      run &&
      (async () => {
        const result = await run();
        counts.passed += result[1];
        counts.skipped += result[2];
        counts.failed += result[3] - result[1];
        return result;
      }),
  );
  await uvu.exec();
  counts.passed -= skippedInside;
  counts.skipped += skippedInside;
  counts.failed = Math.max(counts.failed, hooksFailed);
  const ran = counts.passed + counts.failed + counts.skipped;
  if (ran === 0) console.log('This file declared no test.');
  await new Promise((written) =>
    process.stdout.write(`llsm-test ${JSON.stringify(counts)}\n`, written),
  );
  process.exit(counts.failed > 0 || ran === 0 ? 1 : 0);
}

// Importing the file that is being run again gives the same module, and settles when its last
// line has been evaluated. What it throws is reported by Node itself, for the first import.
import(pathToFileURL(realpathSync(process.argv[1])).href).then(finish, () => {});
