import { spawn, spawnSync } from 'node:child_process';
import fs, {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../../node/files/checkpoint.ts';
import { takeLock } from '../../../node/system/lock.ts';
import { RunFolder } from '../../../node/train/run-folder.ts';
import { LlsmError } from '../../../src/base/errors.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { initParams } from '../../../src/model/llsm/init.ts';
import { listParams } from '../../../src/model/llsm/params.ts';
import type { Counters, TrainingState } from '../../../src/train/state.ts';
import { skip, suite } from '../../support/run.ts';

const config = parseConfig({ width: 0.05, size: 64 }, 'test');
// This file run again with 'die', a run's folder and n dies as under kill -9 in the nth rename of a
// save: see "killed before the rename".
if (process.argv[2] === 'die') die(process.argv[3], Number(process.argv[4]));
const base = mkdtempSync(join(tmpdir(), 'llsm-run-'));
let runs = 0;
const newPath = () => join(base, `run${runs++}`);

const test = suite('run folder');
test.after(() => rmSync(base, { recursive: true }));

/** A state whose every value tells its seed. */
function stateOf(seed: number, counters: Counters): TrainingState {
  const checkpoint = initParams(config, seed);
  const moments = (k: number) =>
    new Map(
      listParams(config)
        .filter(({ kind }) => kind === 'weight')
        .map(({ name }, i) => {
          const n = checkpoint.tensors.get(name)?.data.length ?? 0;
          return [name, new Float32Array(n).fill(seed + k + i / 1000)];
        }),
    );
  return { checkpoint, adam: { m: moments(0.25), v: moments(0.5) }, counters };
}

function die(path: string, nth: number): never {
  const { run } = open(path, true);
  const { renameSync } = fs;
  let renames = 0;
  fs.renameSync = (from, to) => {
    if (++renames === nth) process.kill(process.pid, 'SIGKILL');
    renameSync(from, to);
  };
  syncBuiltinESMExports();
  run.save(stateOf(2, { step: 20, bestStep: 20 }));
  throw new Error('the save ended');
}

function open(path: string, resume: boolean, given = resume ? undefined : config) {
  const said: string[] = [];
  const run = RunFolder.open({ path, config: given, resume, say: (line) => said.push(line) });
  return { run, said };
}

const weight = (path: string) =>
  readCheckpoint(path).tensors.get('encoder.conv1.weight')?.data as Float32Array;
const lines = (run: RunFolder) => readFileSync(run.metricsFile, 'utf8');

test('a run resumes from exactly what it saved', () => {
  const path = newPath();
  const { run, said } = open(path, false);
  assert.is(run.state, undefined);
  const saved = stateOf(3, { step: 20, bestStep: 10, bestAuc: 0.75, epoch: 2 });
  run.save(saved);
  run.close();
  const { run: again, said: saidAgain } = open(path, true);
  assert.equal(again.config, config);
  assert.equal(again.state?.counters, saved.counters);
  assert.equal(again.state?.adam.m, saved.adam.m);
  assert.equal(again.state?.adam.v, saved.adam.v);
  for (const [name, { data }] of saved.checkpoint.tensors) {
    assert.equal(again.state?.checkpoint.tensors.get(name)?.data, data);
  }
  assert.equal([said, saidAgain], [[], []]);
  again.close();
  assert.equal(readdirSync(path).sort(), [
    'config.json',
    'state.safetensors',
    'weights.safetensors',
  ]);
});

test('best.safetensors stays at the best step', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.save(stateOf(1, { step: 10, bestStep: 10 }));
  run.save(stateOf(2, { step: 20, bestStep: 10 }));
  assert.equal(weight(join(path, 'best.safetensors')), weightOfSeed(1));
  assert.equal(weight(join(path, 'weights.safetensors')), weightOfSeed(2));
  run.close();
});

const weightOfSeed = (seed: number) =>
  initParams(config, seed).tensors.get('encoder.conv1.weight')?.data as Float32Array;

test('what was lost between the state and its derived files comes back on resume', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.save(stateOf(1, { step: 10, bestStep: 10 }));
  const old = readFileSync(join(path, 'weights.safetensors'));
  run.save(stateOf(2, { step: 20, bestStep: 20 }));
  run.close();
  writeFileSync(join(path, 'weights.safetensors'), old);
  writeFileSync(join(path, 'best.safetensors'), old.subarray(0, 100));
  open(path, true).run.close();
  assert.equal(weight(join(path, 'weights.safetensors')), weightOfSeed(2));
  assert.equal(weight(join(path, 'best.safetensors')), weightOfSeed(2));
});

for (const [n, file, step] of [
  [1, 'state', 10],
  [2, 'weights', 20],
  [3, 'best', 20],
] as const) {
  test(`killed before the rename of ${file}.safetensors, step ${step} holds`, () => {
    const path = newPath();
    const { run } = open(path, false);
    run.save(stateOf(1, { step: 10, bestStep: 10 }));
    run.close();
    const child = spawnSync(process.execPath, [process.argv[1], 'die', path, String(n)]);
    assert.is(child.signal, 'SIGKILL', String(child.stderr));
    const parts = readdirSync(path).filter((name) => name.includes('.part-'));
    assert.equal(parts, [`${file}.safetensors.part-${child.pid}`]);
    const { run: again, said } = open(path, true);
    assert.match(said.join(), /took over the lock of a process that no longer runs/);
    assert.is(again.state?.counters.step, step);
    const seed = step / 10;
    assert.is(again.state?.adam.m.get('encoder.conv1.weight')?.[0], seed + 0.25);
    assert.equal(weight(join(path, 'weights.safetensors')), weightOfSeed(seed));
    assert.equal(weight(join(path, 'best.safetensors')), weightOfSeed(seed));
    assert.equal(
      readdirSync(path).filter((name) => !/^(best|state|weights)\.s|^config\.json$/.test(name)),
      ['lock'],
    );
    again.close();
  });
}

test('a state that broke down is not saved over a good one', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.save(stateOf(1, { step: 10 }));
  const bad = stateOf(2, { step: 20 });
  (bad.adam.v.get('head.fc.weight') as Float32Array)[2] = Number.POSITIVE_INFINITY;
  assert.throws(() => run.save(bad), /adam\.v\.head\.fc\.weight holds Infinity at 2/);
  run.close();
  const { run: again } = open(path, true);
  assert.is(again.state?.counters.step, 10);
  again.close();
});

test('a broken state is named', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.save(stateOf(1, { step: 10 }));
  run.close();
  const file = join(path, 'state.safetensors');
  truncateSync(file, statSync(file).size - 4);
  assert.throws(() => open(path, true), /state\.safetensors: cut short/);
  writeFileSync(file, readFileSync(join(path, 'weights.safetensors')));
  assert.throws(() => open(path, true), /state\.safetensors: adam\.m\.\S+ is missing/);
  assert.not.ok(existsSync(join(path, 'lock')), 'a failed opening gives the lock back');
});

test('a training state is no checkpoint, and the message says where that is', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.save(stateOf(1, { step: 10 }));
  run.close();
  assert.throws(
    () => readCheckpoint(join(path, 'state.safetensors')),
    /use the weights\.safetensors beside it/,
  );
});

test('metrics are cut to the step of the state, and a torn last line too', () => {
  const path = newPath();
  const { run } = open(path, false);
  for (let step = 1; step <= 12; step++) run.appendMetrics({ step, loss: step / 8 });
  run.save(stateOf(1, { step: 10 }));
  run.close();
  const whole = lines(run);
  const kept = whole.slice(0, whole.indexOf('{"step":11'));
  const { run: again, said } = open(path, true);
  assert.is(lines(again), kept);
  assert.match(said.join(), /cut to step 10/);
  again.close();
  appendFileSync(run.metricsFile, '{"step":10,"lo');
  const { run: torn } = open(path, true);
  assert.is(lines(torn), kept);
  torn.appendMetrics({ step: 11, loss: 2 });
  assert.is(lines(torn), `${kept}{"step":11,"loss":2}\n`);
  torn.close();
  writeFileSync(run.metricsFile, '{"step":1}\nnonsense\n{"step":2}\n');
  assert.throws(() => open(path, true), /metrics\.jsonl: line 2 is no JSON object with a step/);
});

test('a run that saved nothing yet begins anew', () => {
  const path = newPath();
  const { run } = open(path, false);
  run.appendMetrics({ step: 1, loss: 1 });
  run.close();
  const { run: again, said } = open(path, true);
  assert.is(again.state, undefined);
  assert.is(lines(again), '');
  assert.match(said.join(), /no state was saved yet/);
  again.close();
});

test('another config on resume is refused, naming the keys', () => {
  const path = newPath();
  open(path, false).run.close();
  const other = parseConfig({ width: 0.05, size: 96, train: { lr: 1 } }, 'test');
  assert.throws(() => open(path, true, other), /another config: size, train\.lr differ/);
  open(path, true, config).run.close();
  writeFileSync(join(path, 'config.json'), '{"sise": 3}');
  assert.throws(() => open(path, true), /config\.json: unknown key sise/);
});

test('a used folder, and resuming nothing, are refused', () => {
  const path = newPath();
  assert.throws(() => open(path, true), /holds no run to resume/);
  assert.not.ok(existsSync(path));
  open(path, false).run.close();
  assert.throws(() => open(path, false), /holds a run already \(config\.json\).*--resume/);
  writeFileSync(join(base, 'file'), '');
  assert.throws(() => open(join(base, 'file'), false), /file cannot be made: file already exists/);
});

test('a live lock is refused, naming its process', async () => {
  const path = newPath();
  const { run } = open(path, false);
  assert.throws(() => open(path, true), new RegExp(`lock is held by process ${process.pid} on `));
  // Of another process: its lock is ours with the child's id, and no start time to compare.
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  const lock = join(path, 'lock');
  const mine = JSON.parse(readFileSync(lock, 'utf8'));
  run.close();
  assert.not.ok(existsSync(lock));
  writeFileSync(lock, JSON.stringify({ ...mine, pid: child.pid, process: null }));
  try {
    assert.throws(
      () => open(path, true),
      (error: Error) =>
        error instanceof LlsmError &&
        error.message.includes(`process ${child.pid} on ${hostname()}`),
    );
  } finally {
    child.kill('SIGKILL');
    await new Promise((ended) => child.on('exit', ended));
  }
  const { run: again, said } = open(path, true);
  assert.match(said[0], new RegExp(`no longer runs \\(process ${child.pid} `));
  again.close();
});

test('the lock of a zombie is taken over: killed, and not yet waited for by its parent', async () => {
  if (process.platform !== 'linux') skip('only /proc tells a zombie from a process that runs');
  const path = join(base, 'zombie.lock');
  const lock = takeLock(path);
  const mine = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  // The shell that began it has become a program that waits for no child.
  const parent = spawn('sh', ['-c', 'sleep 600 >&- & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = Number(await new Promise((said) => parent.stdout.once('data', said)));
  try {
    writeFileSync(path, JSON.stringify({ ...mine, pid, process: null }));
    assert.throws(() => takeLock(path), new RegExp(`held by process ${pid} on `));
    while (!readFileSync(`/proc/${parent.pid}/comm`, 'utf8').includes('sleep')) await turn();
    process.kill(pid, 'SIGKILL');
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await turn();
    process.kill(pid, 0); // does not throw: there is something to send signals to
    const again = takeLock(path);
    assert.match(again.takenOver as string, new RegExp(`no longer runs \\(process ${pid} `));
    again.release();
  } finally {
    process.kill(pid, 'SIGKILL');
    parent.kill('SIGKILL');
  }
});

test('a lock is stale where its process id belongs to a later process', () => {
  const path = join(base, 'reused.lock');
  const lock = takeLock(path);
  const mine = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  if (mine.process === null) return; // no start times on this system
  writeFileSync(path, JSON.stringify({ ...mine, process: `${mine.process}1` }));
  const again = takeLock(path);
  assert.match(again.takenOver as string, /no longer runs/);
  again.release();
});

test("another machine's lock is never taken over, an unreadable one after a while", () => {
  const path = join(base, 'other.lock');
  const held = { pid: 1, host: `not-${hostname()}`, since: '2026-01-01', process: null };
  writeFileSync(path, JSON.stringify(held));
  assert.throws(
    () => takeLock(path),
    /on not-.*cannot be told from this machine.*remove that file/,
  );
  writeFileSync(path, '');
  assert.throws(() => takeLock(path), /try again in a moment/);
  const past = new Date(Date.now() - 60_000);
  utimesSync(path, past, past);
  const lock = takeLock(path);
  assert.match(lock.takenOver as string, /unreadable lock/);
  lock.release();
  assert.not.ok(existsSync(path));
});
