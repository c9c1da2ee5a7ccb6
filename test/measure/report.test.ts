import { parseHTML } from 'linkedom';
import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { escapeHtml } from '../../src/detect/report/html.ts';
import { curvesForHtml } from '../../src/measure/report/curves.ts';
import { type Report, reportHtml } from '../../src/measure/report/report.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const evil = "<script>alert(1)</script>\"onload='x'&.png";

const compared = (value: number, constant: number) => ({ value, constant });

const report = (): Report => ({
  title: `Report on ${evil}`,
  done: [`Looked at ${evil}.`],
  headline: [{ value: evil, name: evil, note: evil }],
  data: [
    ['split', 'people'],
    [evil, '4'],
  ],
  dataNotes: [evil],
  curves: curvesForHtml([
    { step: 1, loss: 1 },
    { step: 2, loss: 0.5 },
  ]),
  curvesNotes: [evil],
  evaluation: {
    faces: [
      {
        ...{ name: evil, real: 10, forged: 20, auc: 0.8125, aucInterval: [0.7, 0.9] },
        ...{ ap: 0.75, eer: 0.25, accuracy: 0.7, balancedAccuracy: 0.6, flagged: 0.5 },
        falseAlarms: 0.125,
      },
    ],
    maskThreshold: 0.5,
    masks: [
      {
        ...{ name: evil, faces: 20, flagged: 10, iou: compared(0.3333, 0.2222), bound: 0 },
        ...{
          f1: compared(0.4, 0.3),
          iouFlagged: compared(0.5, 0.4),
          f1Flagged: compared(0.6, 0.5),
        },
        ...{ pixelAuc: compared(0.9, 0.8), pixelAucWithReal: compared(0.91, 0.81) },
        ...{ iouInterval: [0.3, 0.4], f1Interval: [0.3, 0.5], pixelApWithReal: compared(0.8, 0.7) },
      },
    ],
    pairs: [
      {
        ...{ name: evil, faces: 20, auc: compared(0.6666, 0.5556), fixedPairs: 4, bound: 0 },
        ...{ aucWithReal: compared(0.7, 0.6), aucAtFixedPairs: compared(0.65, 0.5) },
      },
    ],
    constant: { faces: 30, of: 30, threshold: 0.4 },
  },
  threshold: evil,
  sheet: { file: encodePng(drawnPicture(200, 100)), alt: evil, caption: evil },
  meaning: [evil],
  facts: [[evil, evil]],
  commands: [`llsm detect ${evil}`],
});

const html = reportHtml(report());
const { document } = parseHTML(html);

test('what comes from outside is text, wherever it stands', () => {
  assert.is(document.querySelectorAll('script').length, 0);
  assert.not(html.includes('<script'));
  for (const element of document.querySelectorAll('*')) {
    for (const { name } of element.attributes) assert.not.match(name, /^on/);
  }
  const shown = ['h1', 'title', '.headline dt', '.headline small', 'tbody th', 'pre', '.facts dd'];
  for (const place of [...shown, 'section p', 'figcaption']) {
    const text = document.querySelector(place)?.textContent ?? '';
    assert.ok(text.includes(evil), `${place}: ${text}`);
  }
  assert.is(document.querySelector('img')?.getAttribute('alt'), evil);
  assert.is(
    escapeHtml('<a href="x">\'&\'</a>'),
    '&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;',
  );
});

test('nothing is fetched from anywhere', () => {
  const addresses = [
    ...html.matchAll(/(?:src|href|action|url|@import)\s*[=(]\s*["']?([^"')\s]+)/g),
  ];
  assert.is(addresses.length, 1);
  assert.match(addresses[0][1], /^data:image\/png;base64,/);
  const text = html.replace(/base64,[\w+/=]+/g, '');
  // Names of XML namespaces are no addresses.
  assert.not.match(text.replaceAll(/xmlns(:\w+)?="[^"]*"/g, ''), /https?:|\/\/\w/);
});

test('the picture is the one given, byte for byte', () => {
  const source = document.querySelector('img')?.getAttribute('src') ?? '';
  const bytes = Buffer.from(source.slice('data:image/png;base64,'.length), 'base64');
  assert.ok(bytes.equals(report().sheet?.file as Uint8Array));
});

const cells = (index: number) =>
  [...document.querySelectorAll('table')][index]
    .querySelectorAll('tbody tr')[0]
    .textContent?.split(evil)[1];

test('every figure stands in its table, with the constant predictor beside it', () => {
  assert.is(cells(0), '10200.7000.8130.700 to 0.9000.7500.2500.5000.125');
  assert.is(cells(1), '200.3330.222100.5000.4000.9100.810');
  assert.is(cells(2), '200.6670.5560.7000.6000.6500.500');
  for (const table of document.querySelectorAll('table')) {
    const columns = table.querySelectorAll('thead th').length;
    for (const row of table.querySelectorAll('tr')) assert.is(row.children.length, columns);
  }
  assert.match(html, /called altered from 0\.4/);
});

test('parts that there are not leave no empty sections', () => {
  const { sheet: _, curves: __, ...rest } = report();
  const bare = { ...rest, evaluation: { ...rest.evaluation, masks: [], pairs: [] } };
  const page = parseHTML(reportHtml(bare)).document;
  assert.is(page.querySelectorAll('figure').length, 0);
  assert.is(page.querySelectorAll('table').length, 2);
  assert.not.match(page.body.textContent ?? '', /constant|IoU/);
  for (const part of page.querySelectorAll('section')) assert.ok(part.children.length > 1);
});
