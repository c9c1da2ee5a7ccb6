/**
 * `npm test`: sets the machine up, builds, and runs every test file in a process of its own, one
 * after the other (two GPU devices at once are unreliable). `npm test -- gpu codec` runs the files
 * whose path contains one of the words. LLSM_TEST_TIMEOUT is the time limit of a file in seconds.
 */
import { fileURLToPath } from 'node:url';
import { ensureBuilt, filesUnder } from './build.js';
import { SetupError, setUp } from './setup.js';
import { endRunningFile, runFile } from './test-file.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function printTotal({ passed, failed, skipped }) {
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
}

/** @param {string[]} words */
async function runAll(words) {
  const limit = Number(process.env.LLSM_TEST_TIMEOUT ?? 600);
  if (!(limit > 0)) throw new SetupError('LLSM_TEST_TIMEOUT must be a number of seconds above 0.');
  await setUp();
  await ensureBuilt();
  await ensureBuilt({ tests: true });

  const files = filesUnder('test', '.test.ts').filter(
    (file) => words.length === 0 || words.some((word) => file.includes(word)),
  );
  if (files.length === 0) throw new SetupError(`No test file has a path with: ${words.join(', ')}`);
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @type {{ file: string, seconds: number }[]} */
  const times = [];
  for (const file of files) {
    const start = performance.now();
    const outcome = await runFile(`dist/${file.replace(/\.ts$/, '.js')}`, limit);
    const seconds = (performance.now() - start) / 1000;
    times.push({ file, seconds });
    const { passed, failed, skipped, problem, output } = outcome;
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    const counts = `${passed} passed${failed ? `, ${failed} failed` : ''}`;
    const state = failed ? 'FAIL' : 'ok  ';
    console.log(
      `${state} ${file}: ${counts}${skipped ? `, ${skipped} skipped` : ''} (${seconds.toFixed(1)} s)`,
    );
    if (failed) console.log(output.trimEnd());
    else for (const [line] of output.matchAll(/^ {2}skipped: .*$/gm)) console.log(`   ${line}`);
    if (problem) console.log(`  ${file}: ${problem}`);
  }
  const slowest = times.sort((a, b) => b.seconds - a.seconds).slice(0, 5);
  console.log('\nSlowest files:');
  for (const { file, seconds } of slowest) {
    console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`);
  }
  console.log('');
  return total;
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    endRunningFile();
    process.exit(130);
  });
}

/** @type {{ passed: number, failed: number, skipped: number }} */
let total;
try {
  total = await runAll(process.argv.slice(2));
} catch (error) {
  // The tests could not be run at all; the last line is the same for whoever reads it.
  console.log(error instanceof SetupError ? error.message : error);
  total = { passed: 0, failed: 1, skipped: 0 };
}
printTotal(total);
process.exitCode = total.failed > 0 ? 1 : 0;
