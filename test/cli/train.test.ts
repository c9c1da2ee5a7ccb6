import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { encodePng } from '../../node/files/image.ts';
import { golden } from '../lab/convert/import/support.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { signalledAt } from '../support/signals.ts';

const folder = temporaryFolder();
const real = join(folder, 'real');
const set = join(folder, 'set');

const config = join(folder, 'tiny.json');
writeFileSync(
  config,
  JSON.stringify({
    width: 0.05,
    size: 64,
    llsm: { hidden: 8 },
    train: { batch: 4, iterations: 4, epochs: 2, lr: 1e-3, augment: true },
  }),
);
const metrics = (run: string) =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('from pictures to weights: data folder, forge, train', async () => {
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  for (let i = 0; i < 6; i++) {
    writeFileSync(join(pictures, `p${i}.png`), encodePng(drawnPicture(96, 96, i)));
  }
  const made = llsm([
    'data',
    'folder',
    pictures,
    '--out',
    real,
    '--faces',
    'whole',
    '--size',
    '80',
    '--val-share',
    '0.4',
  ]);
  assert.is(made.status, 0, made.stderr);
  const forged = llsm(['forge', '--real', real, '--out', set]);
  assert.is(forged.status, 0, forged.stderr);

  const run = join(folder, 'run');
  const { status, stdout, stderr } = llsm([
    'train',
    '--data',
    set,
    '--config',
    config,
    '--out',
    run,
  ]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /Finished at step 8 of 8: loss/);
  assert.match(stderr, /Adapter: /);
  const counts = /To train on: (\d+) faces .*to validate on: (\d+) faces/.exec(stderr);
  assert.ok(counts && Number(counts[1]) > 0 && Number(counts[2]) > 0, stderr);
  assert.is(Number(counts[1]) + Number(counts[2]), 12);
  assert.match(stderr, /planned peak: \d+ MiB/);
  assert.match(stdout, /Best by validation AUC: .*best\.safetensors/);
  const all = metrics(run);
  const validations = all.filter(({ valLoss }) => valLoss !== undefined);
  assert.equal(
    validations.map(({ step }) => step),
    [4, 8],
  );
  for (const line of validations) assert.ok(line.valAuc >= 0 && line.valAuc <= 1);
  const lines = all.filter(({ loss }) => loss !== undefined);
  assert.equal(
    lines.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  for (const { loss, cls, ls, loc } of lines) {
    assert.ok(Math.abs(loss - (cls + 0.5 * ls + 0.5 * loc)) < 1e-6);
  }
  readCheckpoint(join(run, 'weights.safetensors'));
  readCheckpoint(join(run, 'best.safetensors'));

  // The same again, in two halves, must leave the same bytes.
  const halves = join(folder, 'halves');
  const first = ['train', '--data', set, '--out', halves, '--save-every', '2'];
  const interrupted = llsm(
    [...first, '--config', config],
    {},
    signalledAt('SIGINT', /metrics\.jsonl$/),
  );
  assert.is(interrupted.status, 130, interrupted.stderr);
  assert.match(interrupted.stderr, /Stopping after this step and saving/);
  const done = metrics(halves).length;
  assert.ok(done >= 1 && done < 8, `${done} steps`);
  const resumed = llsm([...first, '--resume', '--json']);
  assert.is(resumed.status, 0, resumed.stderr);
  assert.is(JSON.parse(resumed.stdout).steps, 8);
  for (const name of ['state.safetensors', 'weights.safetensors']) {
    assert.ok(readFileSync(join(run, name)).equals(readFileSync(join(halves, name))), name);
  }
});

test('the plan is printed without training', () => {
  const run = join(folder, 'planned');
  const args = ['train', '--data', set, '--config', config, '--out', run, '--plan', '--json'];
  const { status, stdout, stderr } = llsm(args);
  assert.is(status, 0, stderr);
  const plan = JSON.parse(stdout);
  assert.ok(plan.bytes > plan.activations && plan.activations >= plan.aliveAtOnce);
  assert.ok(plan.pipelines > 10 && plan.pipelines <= 120, `${plan.pipelines} pipelines`);
  assert.not(existsSync(run));
});

test('--init takes what fits and says what does not', () => {
  const args = ['train', '--data', set, '--config', config, '--set', 'flm=false'];
  const weights = join(folder, 'run', 'weights.safetensors');
  const run = join(folder, 'warm');
  const { status, stderr } = llsm([
    ...args,
    ...['--set', 'train.epochs=1', '--set', 'train.iterations=1', '--out', run, '--init', weights],
  ]);
  assert.is(status, 0, stderr);
  assert.match(stderr, /tensors taken/);
  assert.match(stderr, /head\.fc\.weight/);
});

test('--init takes an imported encoder whole, with the epsilon and padding that it came with', () => {
  const weights = join(folder, 'imported.safetensors');
  const file = join(folder, 'keras.h5');
  writeFileSync(file, golden('keras.h5'));
  const imported = llsm(['import', file, '--from', 'keras', '--config', config, '--out', weights]);
  assert.is(imported.status, 0, imported.stderr);
  const run = join(folder, 'begun');
  const args = ['train', '--data', set, '--config', config, '--out', run, '--init', weights];
  const refused = llsm(args);
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /another bnEps and poolPad .*--set bnEps=0\.001 --set poolPad=tf\n/);
  assert.not(existsSync(run));
  const geometry = ['--set', 'bnEps=0.001', '--set', 'poolPad=tf'];
  const once = ['--set', 'train.epochs=1', '--set', 'train.iterations=1'];
  const { status, stderr } = llsm([...args, ...geometry, ...once]);
  assert.is(status, 0, stderr);
  assert.match(stderr, /: \d+ tensors taken\n/);
  assert.not.match(stderr, /Not taken/);
});

test('what cannot be trained is refused before anything is written', async () => {
  const tests = join(folder, 'tests');
  cpSync(set, tests, { recursive: true });
  const manifest = readFileSync(join(set, 'manifest.jsonl'), 'utf8');
  writeFileSync(join(tests, 'manifest.jsonl'), manifest.replaceAll(/"(train|val)"/g, '"test"'));
  const out = join(folder, 'refused');
  const refused = (args: string[], status: number, message: RegExp) => {
    const outcome = llsm(['train', '--out', out, ...args]);
    assert.is(outcome.status, status, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.not(existsSync(join(out, 'config.json')));
  };
  refused(['--data', join(folder, 'nowhere')], 1, /nowhere/);
  refused(['--data', tests], 1, /no faces with split "train"/);
  refused(['--data', real, '--config', config], 1, /no forged faces.*llsm forge/);
  refused(['--data', set, '--config', config, '--set', 'train.lrate=1'], 1, /train\.lr/);
  refused(['--data', set, '--config', config, '--set', 'train.lr'], 2, /key=value/);
  refused(['--data', set, '--resume'], 1, /no run to resume/);
  refused(['--data', set, '--resume', '--plan'], 2, /--resume goes with/);
  refused([], 2, /--data/);
  const used = llsm(['train', '--data', set, '--config', config, '--out', join(folder, 'run')]);
  assert.is(used.status, 1);
  assert.match(used.stderr, /--resume/);
});
