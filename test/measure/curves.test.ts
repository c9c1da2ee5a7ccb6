import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import * as assert from 'uvu/assert';
import { readMetrics, writeCurves } from '../../node/measure/curves.ts';
import { curvesFile, curvesForHtml, parseMetrics } from '../../src/measure/report/curves.ts';
import { failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const step = (n: number) => ({ step: n, lr: 1e-3, loss: 2 / n, cls: 1 / n, ls: 1 / n, loc: 1 / n });
const validation = (n: number, valAuc?: number) => ({
  ...{ step: n, valLoss: 3 / n, valCls: 1 / n, valLs: 2 / n, valLoc: 2 / n },
  ...(valAuc !== undefined && { valAuc }),
});

const chartsOf = (svg: string) => [...parseHTML(svg).document.querySelectorAll('svg[role=img]')];
const titles = (svg: string) => chartsOf(svg).map((chart) => chart.getAttribute('aria-label'));
/** The numbers of a path's points, in pixels from the chart's upper left corner. */
const points = (path: Element): [number, number][] =>
  [...(path.getAttribute('d') ?? '').matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);

test('a chart for each loss that there is, and one for the validation AUC', () => {
  const lines = [step(1), step(2), validation(2, 0.7), step(3), step(4), validation(4, 0.9)];
  const svg = curvesFile(lines, { target: 0.95 }) as string;
  assert.equal(titles(svg), [
    ...['Loss (weighted sum)', 'Loss: classes', 'Loss: pairs (LSM)', 'Loss: mask'],
    'Validation AUC',
  ]);
  assert.match(svg, /best 0\.900 at step 4/);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.is(titles(curvesForHtml(lines)).length, 5);

  const noPairs = lines.map((line) =>
    'ls' in line ? { ...line, ls: 0 } : { ...line, valLs: 0, valAuc: 'none' },
  );
  assert.equal(titles(curvesFile(noPairs) as string), [
    ...['Loss (weighted sum)', 'Loss: classes', 'Loss: mask'],
  ]);
  assert.is(curvesFile([]), undefined);
});

test('the curve goes where the values go', () => {
  const chart = chartsOf(curvesFile([step(1), step(2), step(4)]) as string)[0];
  const line = points(chart.querySelector('g[aria-label=line] path') as Element);
  assert.is(line.length, 3);
  const [first, second, last] = line;
  // Loss 2, 1, 0.5 at the steps 1, 2, 4: in pixels, downwards, the differences are as 2 to 1.
  assert.ok(Math.abs((second[1] - first[1]) / (last[1] - second[1]) - 2) < 1e-6);
  assert.ok(Math.abs((last[0] - second[0]) / (second[0] - first[0]) - 2) < 1e-6);
});

test('many steps are drawn as means, which the chart says', () => {
  const lines = Array.from({ length: 1000 }, (_, k) => ({ step: k + 1, loss: 1 + (k % 2) }));
  const svg = curvesFile(lines) as string;
  assert.match(svg, /training \(mean of 13 steps\)/);
  const line = points(chartsOf(svg)[0].querySelector('g[aria-label=line] path') as Element);
  assert.is(line.length, Math.ceil(1000 / 13));
  assert.ok(svg.length < 60_000, `${svg.length} characters`);
});

test('metrics.jsonl: read, a line being written left out, a damaged one named', async () => {
  const run = temporaryFolder();
  assert.equal(readMetrics(run), []);
  assert.is(writeCurves(run), undefined);
  const text = `${JSON.stringify(step(1))}\n${JSON.stringify(validation(1, 0.5))}\n`;
  assert.is(parseMetrics(`${text}{"step": 2, "lo`, 'm').length, 2);
  writeFileSync(join(run, 'metrics.jsonl'), text);
  assert.is(writeCurves(run), join(run, 'curves.svg'));
  assert.match(readFileSync(join(run, 'curves.svg'), 'utf8'), /best 0\.500 at step 1/);

  const broken = temporaryFolder();
  writeFileSync(join(broken, 'metrics.jsonl'), `${text}nonsense\n`);
  const { message } = await failure(() => writeCurves(broken));
  assert.match(message, /metrics\.jsonl: line 3 is no JSON object with a step/);
  assert.not(existsSync(join(broken, 'curves.svg')));
});
