import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadDataSets, loadProtocol } from '../../../lab/tables/protocol.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { refusedIn } from '../../support/table-sets.ts';

const dataSets = loadDataSets();
const table = (name: string) => loadProtocol(name, dataSets);
const ours = (name: string, row = '') => {
  const found = table(name).paper.find((one) => one.method === 'Ours' && one.row === row);
  return (found?.values ?? []) as number[];
};
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 0.0051, `${a} and ${b}`);

test("the paper's averages are those of its values, but for the one that the notes name", () => {
  const wrong: string[] = [];
  for (const name of ['I', 'II', 'III', 'IV']) {
    const { measures, paper } = table(name);
    for (const { method, values, average } of paper) {
      for (const [k, printed] of (average ?? []).entries()) {
        const own = values.filter((_, i) => i % measures.length === k) as number[];
        if (printed === null) assert.equal(new Set(own), new Set([null]));
        else {
          const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
          if (Math.abs(mean - printed) > 0.0051) wrong.push(`${name} ${method} ${k}`);
        }
      }
    }
  }
  assert.equal(wrong, ['II HFI-Net [43] 0']);
  assert.match(table('II').notes.join(), /HFI-Net/);
  near((91.87 + 85.69) / 2, 88.78); // what the note supposes
});

test("differences that the paper's text names are those of its tables", () => {
  const [, c23, , c40] = ours('II');
  const rivals = table('II').paper.find(({ method }) => method.startsWith('FST'));
  near(c40 - (rivals?.values[3] as number), 1.49);
  assert.is(c23, ours('I')[0]);
  const dcl = table('I').paper.find(({ method }) => method.startsWith('DCL'));
  near(ours('I')[2] - (dcl?.values[2] as number), 4.35);
  const [baseline] = ours('IV', 'Baseline (Xception)');
  near(ours('IV', '+ LLSM')[0] - baseline, 2.96);
  near(ours('IV', '+ FLM')[0] - baseline, 4.52);
  assert.is(ours('IV', '+ LLSM + FLM')[0], ours('I')[1]);
});

test('each table has the rows, columns and measures of the paper', () => {
  const shape = (name: string) => {
    const { rows, columns, measures, paper } = table(name);
    return [rows.length, columns.map(({ test: on }) => on).join(), measures.join(), paper.length];
  };
  assert.equal(shape('I'), [1, 'ffpp-c23,celebdf,dfd', 'auc', 17]);
  assert.equal(shape('II'), [1, 'ffpp-c23,ffpp-c40', 'accuracy,auc', 13]);
  assert.equal(shape('III'), [1, 'ffpp-c23', 'auc', 16]);
  assert.equal(shape('IV'), [4, 'celebdf', 'auc', 4]);
  assert.equal(
    table('IV').rows.map(({ preset }) => preset),
    ['baseline', '+llsm', '+flm', 'paper'],
  );
});

test('a protocol that is wrong is refused by its file and field', async () => {
  const file = join(temporaryFolder(), 'own.json');
  const own = {
    name: 'Own',
    title: 'a table of my own',
    measures: ['auc'],
    rows: [{ train: 'ffpp-c23', preset: 'paper' }],
    columns: [{ test: 'celebdf' }],
    paper: [{ method: 'Theirs', values: [50] }],
  };
  const refused = refusedIn(file, own, dataSets);
  writeFileSync(file, JSON.stringify(own));
  assert.is(loadProtocol(file, dataSets).columns[0].test, 'celebdf');
  await refused({ rows: [{ train: 'ffpp', preset: 'paper' }] }, /rows\[0\]\.train: .*"ffpp".*dfd/);
  await refused({ rows: [{ train: 'ffpp-c23', preset: 'papr' }] }, /preset/);
  await refused({ rows: [own.rows[0], own.rows[0]] }, /rows: two are called ""/);
  await refused({ rows: [{ ...own.rows[0], train: 'dfd', each: 'method' }] }, /rows\[0\]\.each/);
  await refused({ columns: [{ test: 'tested' }] }, /columns\[0\]\.test/);
  await refused({ measures: ['ap'] }, /measures/);
  await refused({ colums: [] }, /colums/);
  await refused({ paper: [{ method: 'Theirs', values: [1, 2] }] }, /values: 1 are needed, .* 2/);
  await refused({ paper: [{ row: 'no', method: 'Theirs', values: [1] }] }, /no row "no"/);
  await refused({ paper: [{ method: 'Theirs', values: [101] }] }, /values/);
  writeFileSync(file, '{');
  assert.match((await failure(() => loadProtocol(file, dataSets))).message, /JSON/);
  const unknown = await failure(() => loadProtocol('IX', dataSets));
  assert.match(
    unknown.message,
    /IX is neither a table \(I, II, III, IV, mini\/ablation, .*\).*did you mean I/,
  );
});
