import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import * as assert from 'uvu/assert';
import { decodeImage } from '../../src/image/codecs.ts';
import '../../node/files/image.ts';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { readManifest } from '../../node/files/manifest.ts';
import { llsm } from '../support/command.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { signalledAt } from '../support/signals.ts';

const folder = temporaryFolder();
const out = join(folder, 'demo');
const args = ['demo', '--out', out, '--minutes', '0.1', '--people', '8'];
const text = (name: string) => readFileSync(join(out, name), 'utf8');

test('from nothing to a report, whose figures are those of eval.json', async () => {
  const { status, stdout, stderr } = llsm(args);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^It stopped .*(validation AUC of [01]\.\d{3}|before any validation)/);
  assert.match(stdout, /Open the report: .*report\.html/);

  const items = readManifest(join(out, 'faces'));
  const splits = new Map(items.flatMap((item) => item.people.map((id) => [id, item.split])));
  assert.is(splits.size, 8);
  const methods = new Set(items.map(({ method }) => method ?? 'real'));
  assert.equal([...methods].sort(), ['parts', 'real', 'self-blend', 'swap']);

  const tested = JSON.parse(text('eval.json'));
  const html = text('report.html');
  const { document } = parseHTML(html);
  const rows = [...document.querySelectorAll('table')].map((table) =>
    [...table.querySelectorAll('tbody tr')].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    ),
  );
  const shown = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  assert.is(rows[0].length, 4);
  for (const [k, figures] of tested.faces.entries()) {
    const [name, real, forged, accuracy, auc, , ap] = rows[0][k];
    assert.equal(
      [name, real, forged, accuracy, auc, ap],
      [
        ...[figures.name, String(figures.real), String(figures.forged)],
        ...[shown(figures.accuracy), shown(figures.auc), shown(figures.ap)],
      ],
    );
  }
  const [all] = tested.masks;
  assert.equal(rows[1][0].slice(2, 4), [shown(all.iou.value), shown(all.iou.constant)]);
  const [pairs] = tested.pairs;
  assert.equal(rows[2][0].slice(2, 4), [shown(pairs.auc.value), shown(pairs.auc.constant)]);
  assert.is(tested.data.faces, items.filter(({ split }) => split === 'test').length);

  // The report stands alone, with the sheet and the curves in it.
  const source = document.querySelector('img')?.getAttribute('src') ?? '';
  const png = Buffer.from(source.split('base64,')[1], 'base64');
  assert.ok(png.equals(readFileSync(join(out, 'sheet.png'))));
  const sheet = await decodeImage(png, 'sheet.png');
  assert.ok(sheet.width > 8 * 150 && sheet.height > 5 * 150);
  assert.ok(document.querySelectorAll('.curves svg').length >= 4);
  assert.ok(existsSync(join(out, 'run', 'curves.svg')));
  assert.not.match(html.replace(/base64,[\w+/=]+/g, ''), /https?:\/\/(?!www\.w3\.org)/);
  assert.match(html, /demo --people 8 --seed 0 --minutes 0\.1/);

  const { threshold } = readCheckpoint(join(out, 'weights.safetensors'));
  assert.is(threshold?.value, tested.threshold.value);
});

test('run again, it continues: nothing is trained twice, the figures are the same', () => {
  const before = text('eval.json');
  const training = JSON.parse(text('demo.json')).training;
  const { status, stdout, stderr } = llsm([...args, '--json']);
  assert.is(status, 0, stderr);
  assert.not.match(stderr, /To train on/);
  const result = JSON.parse(stdout);
  assert.equal(result.training, training);
  assert.equal(result.faces, JSON.parse(before).faces);
  assert.is(text('eval.json'), before);
});

test('a folder of something else, or of another demo, is refused', () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.txt'), 'years of work');
  const refused = llsm(['demo', '--out', other]);
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /other holds something else \(thesis\.txt\)/);
  const people = llsm(['demo', '--out', out, '--people', '9']);
  assert.is(people.status, 1);
  assert.match(people.stderr, /was begun with --people 8, not 9/);
  assert.is(llsm(['demo', '--people', '3']).status, 2);
});

test('Ctrl-C saves what is trained, and the same command goes on from there', async () => {
  const stopped = join(folder, 'stopped');
  const command = ['demo', '--out', stopped, '--people', '8', '--seed', '1', '--minutes'];
  const interrupt = signalledAt('SIGINT', /metrics\.jsonl$/);
  const { status, stderr } = llsm([...command, '3'], {}, interrupt);
  assert.is(status, 130, stderr);
  assert.match(stderr, /Stopped and saved in .*To continue: .*--people 8 --seed 1 --minutes 3/);
  const marker = () => JSON.parse(readFileSync(join(stopped, 'demo.json'), 'utf8')).training;
  const first = marker();
  assert.is(first.stopped, 'interrupted');
  assert.ok(first.steps >= 1 && !existsSync(join(stopped, 'report.html')));

  // So little time that the first session has used it up.
  const again = llsm([...command, '0.00001']);
  assert.is(again.status, 0, again.stderr);
  assert.match(again.stdout, /the time was over \(--minutes 0\.00001\)/);
  assert.is(marker().steps, first.steps);
  assert.ok(marker().seconds > first.seconds);
  assert.ok(existsSync(join(stopped, 'report.html')));
});
