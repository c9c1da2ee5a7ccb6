import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Tested } from '../../lab/tables/figures.ts';
import type { TableResult } from '../../lab/tables/result.ts';
import { llsm } from '../support/command.ts';
import { photographs, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { signalledAt } from '../support/signals.ts';

const folder = temporaryFolder();
const runs = join(folder, 'runs');
const methods = ['parts', 'self-blend', 'swap'];
const done = (args: string[]) => {
  const outcome = llsm(args);
  assert.is(outcome.status, 0, outcome.stderr);
  return outcome;
};

/** Drawn people, and a set of forgeries of each of them by each method. */
function forgedSets(name: string, people: number, seed: number, shares: string[]): string[] {
  const real = join(folder, `${name}-people`);
  const drawn = ['--people', `${people}`, '--per-person', '1', '--size', '72', '--seed', `${seed}`];
  done(['data', 'portraits', '--out', real, ...drawn, ...shares]);
  return methods.map((method) => {
    const set = join(folder, `${name}-${method}`);
    done(['forge', '--real', real, '--out', set, '--methods', method, '--care', 'careless']);
    return set;
  });
}

const mine = forgedSets('mine', 12, 1, ['--val-share', '.25', '--test-share', '.25']);
const others = forgedSets('others', 4, 2, ['--val-share', '0', '--test-share', '1']);

const small = [
  ...['size=64', 'width=0.05', 'llsm.hidden=8', 'train.lr=1e-3'],
  ...['train.batch=4', 'train.iterations=3', 'train.epochs=2'],
].flatMap((value) => ['--set', value]);
const table = (name: string, args: string[], kept = runs) => [
  'table',
  name,
  ...small,
  '--runs',
  kept,
  '--workers',
  '0',
  ...args,
];
const stood = ['--data', ...mine.map((set) => `ffpp-c23=${set}`)];
const sets = [...stood, ...others.map((set) => `celebdf=${set}`)];
const also = ['--also', ...others.map((set) => `others=${set}`)];

const resultOf = (stdout: string) => JSON.parse(stdout) as TableResult;
const kept = (id: string) => {
  const tests = join(runs, id, 'tests');
  return readdirSync(tests).map((name) => ({
    name,
    ...(JSON.parse(readFileSync(join(tests, name, 'eval.json'), 'utf8')) as Tested),
  }));
};

test('III: trained on each method, tested on the others and on other people', () => {
  const out = join(folder, 'out');
  const args = table('III', [...stood, ...also]);
  const { stdout } = done([...args, '--out', out]);
  const result = resultOf(readFileSync(join(out, 'table.json'), 'utf8'));
  assert.equal(
    result.rows.map(({ name }) => name),
    methods,
  );
  assert.equal(
    result.columns.map(({ title }) => title),
    [...methods, 'others'],
  );
  const lines = stdout.split('\n');
  const markdown = readFileSync(join(out, 'table.md'), 'utf8');
  for (const [k, { cells }] of result.rows.entries()) {
    // Each cell is the figure of the kept evaluation of the network that was trained on the row's method.
    const { id, train, steps } = result.trainings[k];
    assert.match(id, new RegExp(`^ffpp-c23-${methods[k]}-paper-`));
    assert.is(steps, 6);
    assert.ok(train.real > 0 && train.forged > 0);
    const evaluations = kept(id);
    assert.is(evaluations.length, 2);
    for (const [column, cell] of cells.entries()) {
      const own = evaluations.find(({ name }) => name.startsWith('others') === (column === 3));
      const figures = (some: Tested['faces'] | undefined) =>
        column === 3 ? some?.[0] : some?.find(({ name }) => name === methods[column]);
      assert.is(cell.training, id);
      assert.equal(cell.faces, figures(own?.faces));
      assert.equal(cell.videos, figures(own?.videos));
      assert.ok(cell.faces && cell.videos && cell.faces.forged >= cell.videos.forged);
    }
    const percents = cells.map(({ faces }) => (100 * (faces?.auc ?? Number.NaN)).toFixed(2));
    const mean = cells.slice(0, 3).reduce((sum, { faces }) => sum + (faces?.auc ?? 0), 0) / 3;
    percents.splice(3, 0, (100 * mean).toFixed(2));
    const shown = lines.find((line) => line.startsWith(methods[k]) && line.includes('by face'));
    assert.equal(shown?.split(/ {2,}/), [methods[k], 'here, by face', ...percents]);
    assert.ok(markdown.includes(`| ${methods[k]} | here, by face | ${percents.join(' | ')} |`));
  }
  assert.ok(result.data[0].standIn && !result.data[1].standIn);
  assert.match(stdout, /^Table III.*\(on other data that stand in\)$/m);
  assert.match(stdout, /values are left out/);
  assert.match(stdout, /size 64 \(224\), width 0\.05 \(1\)/);
  assert.match(
    stdout,
    /Tested on others: others-parts, others-self-blend, others-swap \(portraits; .*: 24 faces \(12 real, 12 forged\)/,
  );

  // Again, with one test's file gone: that one is done anew, and nothing else.
  const [{ name }] = kept(result.trainings[1].id);
  rmSync(join(runs, result.trainings[1].id, 'tests', name, 'eval.json'));
  const again = done([...args, '--json']);
  assert.equal(resultOf(again.stdout), result);
  assert.is(again.stderr.match(/finished before/g)?.length, 3);
  assert.not.match(again.stderr, /To train on/);
  assert.is(again.stderr.match(/^(FF\+\+ \(C23\)|others) .*images\/s/gm)?.length, 1);
});

test('IV: the four networks; I uses the whole one again; --plan does nothing', () => {
  const planned = done(table('IV', [...sets, '--plan']));
  assert.is(planned.stdout.match(/: to be trained; /g)?.length, 4);
  assert.is(planned.stdout.match(/a step takes [\d.]+ s, all of them [\d.]+ s/g)?.length, 4);
  const before = readdirSync(runs).length;
  const { stdout } = done(table('IV', [...sets, '--json']));
  const result = resultOf(stdout);
  assert.is(readdirSync(runs).length, before + 4);
  assert.equal(
    result.trainings.map(({ config }) => [config.llsm !== false, config.flm]),
    [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ],
  );
  const aucs = result.rows.map(({ cells: [{ faces }] }) => faces?.auc);
  assert.ok(aucs.every((auc) => auc !== undefined && auc !== null && auc >= 0 && auc <= 1));
  assert.equal(new Set(result.trainings.map(({ sha256 }) => sha256)).size, 4);

  const one = done(table('I', sets));
  assert.match(one.stderr, /Training 1 of 1, ffpp-c23-paper-.*: finished before/);
  assert.not.match(one.stderr, /To train on/);
  // The paper's own rows stand beside, for the columns are its own.
  assert.match(one.stdout, /^the paper +98\.54 +80\.56 +96\.01$/m);
  const auc = (100 * (aucs[3] ?? Number.NaN)).toFixed(2);
  assert.match(one.stdout, new RegExp(`^here, by face +[\\d.]+ +${auc} +-$`, 'm'));
  assert.match(one.stdout, /^Missing \(DFD\): DFD was not given: .*llsm data dfd/m);
  const after = done(table('IV', [...sets, '--plan']));
  assert.is(after.stdout.match(/: finished; /g)?.length, 8);
});

test('killed in training and in testing, the same command comes to the same table', () => {
  const elsewhere = join(folder, 'elsewhere');
  const own = [...small, '--set', 'train.iterations=12', '--save-every', '2', ...stood];
  const args = (kept: string) => ['table', 'I', ...own, '--runs', kept, '--workers', '0'];
  const inside = (...path: string[]) => {
    const ids = existsSync(elsewhere) ? readdirSync(elsewhere) : [];
    return ids.map((id) => join(elsewhere, id, ...path));
  };
  const killed = (file: RegExp, nth?: number) => {
    const { status, stderr } = llsm(args(elsewhere), {}, signalledAt('SIGKILL', file, nth));
    assert.is(status, null, stderr);
  };
  killed(/state\.safetensors$/, 2);
  assert.ok(inside('state.safetensors').some((file) => existsSync(file)));
  assert.not.ok(
    inside('training.json').some((file) => readFileSync(file, 'utf8').includes('finished')),
  );
  killed(/tests.*eval\.json$/);
  const resumed = done([...args(elsewhere), '--json']);
  assert.match(resumed.stderr, /Training 1 of 1, .*: finished before/);
  const whole = done([...args(join(folder, 'whole')), '--json']);
  assert.equal(resultOf(resumed.stdout), resultOf(whole.stdout));
});

test('other data or settings are other trainings; changed weights are refused', () => {
  const only = (args: string[]) => resultOf(done(table('I', [...args, '--json'])).stdout);
  const [first] = only(stood).trainings;
  const changed = join(folder, 'changed');
  cpSync(mine[0], changed, { recursive: true });
  const manifest = join(changed, 'manifest.jsonl');
  const lines = readFileSync(manifest, 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('"train"'));
  writeFileSync(manifest, lines.toSpliced(at, 1).join('\n'));
  const ids = (args: string[]) => {
    const { stdout } = done(table('I', [...args, '--plan', '--json']));
    return JSON.parse(stdout).trainings.map(({ id, state }: Record<string, string>) => [id, state]);
  };
  assert.equal(ids(stood), [[first.id, 'finished']]);
  for (const other of [
    ['--data', ...[changed, ...mine.slice(1)].map((set) => `ffpp-c23=${set}`)],
    [...stood, '--set', 'train.seed=1'],
    [...stood, '--init', join(runs, first.id, 'weights.safetensors')],
  ]) {
    const [[id, state]] = ids(other);
    assert.is.not(id, first.id);
    assert.is(state, 'new');
  }

  const record = JSON.parse(readFileSync(join(runs, first.id, 'training.json'), 'utf8'));
  const weights = join(runs, first.id, record.finished.weights);
  const bytes = readFileSync(weights);
  const damaged = Buffer.from(bytes);
  damaged[damaged.length - 1] ^= 1;
  writeFileSync(weights, damaged);
  const refused = llsm(table('I', stood));
  writeFileSync(weights, bytes);
  assert.is(refused.status, 1);
  assert.match(refused.stdout, /^here, by face +- +- +-$/m);
  assert.match(refused.stdout, /Missing .*safetensors is not what the training left/);
});

test('a table of photographs', () => {
  const pictures = photographs('portraits');
  const [real, set] = [join(folder, 'photographed'), join(folder, 'photographs')];
  const crops = ['--faces', 'centre=0.62', '--size', '72', '--limit', '5', '--split', 'test'];
  done(['data', 'folder', pictures, '--out', real, ...crops]);
  done(['forge', '--real', real, '--out', set, '--care', 'careless']);
  const { stdout, stderr } = done(
    table('III', [...stood, '--also', `photographs=${set}`, '--json']),
  );
  assert.is(stderr.match(/finished before/g)?.length, 3);
  for (const { cells } of resultOf(stdout).rows) {
    const found = cells[3].faces;
    assert.ok(found?.real === 5 && found.forged === 5 && found.auc !== null);
  }
});

test('what was called wrongly, and what is not there', () => {
  const refused = (args: string[], status: number, message: RegExp) => {
    const outcome = llsm(['table', ...args, '--runs', join(folder, 'none')]);
    assert.is(outcome.status, status, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.is(outcome.stdout, '');
    assert.not(existsSync(join(folder, 'none')));
  };
  refused([], 2, /name/);
  refused(['V'], 1, /V is neither a table \(I, II, III, IV, mini\/ablation, .*\)/);
  refused(['I', '--data', `celeb=${mine[0]}`], 2, /no data set "celeb"/);
  refused(['I', '--data', mine[0]], 1, /holds faces of portraits/);
  refused(['I', '--data', join(folder, 'nowhere')], 1, /nowhere/);
  refused(['I', '--plan', '--out', folder], 2, /--plan goes without --out/);
  refused(['I', '--set', 'train.lrate=1'], 1, /train\.lr/);
  refused(['I', '--init', join(folder, 'no.safetensors')], 1, /no\.safetensors/);
  refused(['II', ...stood, ...also], 2, /--also has no place/);
  const bare = done(['table', 'II', '--runs', join(folder, 'none')]);
  assert.match(bare.stdout, /^HFI-Net \[43\] +91\.87 +97\.07 +58\.69 +88\.40 +88\.78 +92\.74$/m);
  for (const { stdout } of [
    bare,
    done(['table', 'II', '--plan', '--runs', join(folder, 'none')]),
  ]) {
    assert.match(stdout, /^Missing \(FF\+\+ \(C23\)\): FF\+\+ \(C23\) was not given/m);
  }
});
