import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { judge, runFile } from '../../scripts/test-file.js';
import { suite } from '../support/run.ts';

const line = (passed: number, failed: number, skipped: number) =>
  `llsm-${'test'} {"passed":${passed},"failed":${failed},"skipped":${skipped}}\n`;

/** How a file is judged that printed `output` and ended so. */
const judged = (output: string, code: number | null, signal: string | null = null, late = false) =>
  judge({ code, signal, late, output }, 5);

const judging = suite('judging');

judging('counts what the file counted', () => {
  assert.equal(judged(`• • \n${line(2, 0, 1)}`, 0), {
    passed: 2,
    failed: 0,
    skipped: 1,
    problem: '',
    output: '• • \n',
  });
  assert.is(judged(line(2, 3, 0), 1).failed, 3);
});

judging('takes the last count, wherever it stands in its line', () => {
  assert.is(judged(`${line(1, 0, 0)}driver says: ${line(4, 0, 0)}warning\n`, 0).passed, 4);
});

judging('fails a file that crashed, before or after its tests', () => {
  const before = judged('• ', null, 'SIGSEGV');
  assert.is(before.failed, 1);
  assert.match(before.problem, 'SIGSEGV');
  const after = judged(line(2, 0, 0), null, 'SIGABRT');
  assert.is(after.passed, 2);
  assert.is(after.failed, 1);
  assert.match(after.problem, 'SIGABRT after its tests');
});

judging('fails a file without a count, and one without a test', () => {
  assert.is(judged('  Total: 3\n', 0).failed, 1);
  assert.is(judged(line(0, 0, 0), 0).failed, 1);
  assert.is(judged(line(0, 0, 2), 0).failed, 0);
});

judging('fails a file that was late', () => {
  const late = judged('', null, 'SIGKILL', true);
  assert.is(late.failed, 1);
  assert.match(late.problem, '5 s');
});

const running = suite('running');
let folder = '';
running.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'llsm-test-'));
});
running.after(() => rmSync(folder, { recursive: true }));

/** Runs a file with this content. */
function run(code: string, seconds: number) {
  const path = join(folder, 'a.mjs');
  writeFileSync(path, code);
  return runFile(path, seconds);
}

running('takes what is printed to both streams', async () => {
  const outcome = await run(
    `console.error('to stderr'); process.stdout.write(${JSON.stringify(line(3, 0, 0))})`,
    20,
  );
  assert.is(outcome.passed, 3);
  assert.match(outcome.output, 'to stderr');
});

running('ends a file that hangs', async () => {
  const outcome = await run('for (;;);', 0.3);
  assert.is(outcome.failed, 1);
  assert.match(outcome.problem, '0.3 s');
});

running('ends what a file left running', async () => {
  const outcome = await run(
    `import { spawn } from 'node:child_process';
    const lasting = "setTimeout(() => console.log('nobody ended it'), 60000)";
    spawn(process.execPath, ['-e', lasting], { stdio: 'inherit' });
    process.stdout.write(${JSON.stringify(line(1, 0, 0))}, () => process.exit(0));`,
    20,
  );
  assert.is(outcome.passed, 1);
  assert.is(outcome.problem, '');
  assert.not.match(outcome.output, 'nobody ended it');
});
