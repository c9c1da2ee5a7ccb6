import { parseHTML } from 'linkedom';
import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import type { FaceFinding, Finding } from '../../src/detect/finding.ts';
import { type CaseAbout, caseReport } from '../../src/detect/report/case.ts';
import { scope } from '../../src/detect/verdict.ts';
import { encodeJpeg } from '../../src/image/codecs.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const evil = "<script>alert(1)</script>\"onload='x'&.png";

const face = (probability: number | null, of: Partial<FaceFinding> = {}): FaceFinding => ({
  box: [10.4, 20.6, 30, 40],
  landmarks: null,
  finder: { name: evil, score: 0.875 },
  probability,
  verdict:
    probability === null ? 'face too small' : probability > 0.5 ? 'altered' : 'nothing found',
  note: null,
  views:
    probability === null
      ? []
      : [
          { name: 'as it is', probability },
          { name: 'mirrored', probability: probability / 2 },
        ],
  alteredShare: probability === null ? null : 0.25,
  ...of,
});
const file = (name: string, faces: FaceFinding[], of: Partial<Finding> = {}): Finding => ({
  file: name,
  sha256: 'ab'.repeat(32),
  kind: 'image',
  faces,
  verdict: faces[0]?.verdict ?? 'no face found',
  error: null,
  ...of,
});

const findings = [
  file('quiet.jpg', [face(0.1)]),
  file(evil, [face(0.9), face(0.8, { verdict: 'unsure', note: evil })]),
  file('torn.png', [], { sha256: null, verdict: null, error: { message: evil } }),
  file('small.png', [face(null)]),
];
const threshold: Threshold = {
  ...{ value: 0.5, rule: 'fpr=0.05', fpr: 0.05, data: evil, n: 100 },
};
const about: CaseAbout = {
  ...{ made: '2026-11-24', version: '1', adapter: evil, threshold },
  weights: { name: evil, sha256: 'cd'.repeat(32), facts: [[evil, evil]], card: `# ${evil}` },
  settings: [[evil, evil]],
};
const png = encodePng(drawnPicture(20, 10));
const jpeg = await encodeJpeg(drawnPicture(16, 16), 90);
const pictures = [
  undefined,
  { whole: jpeg, faces: [png, undefined], timeline: '<svg id="time"/>' },
];
const html = caseReport(findings, pictures, about);
const { document } = parseHTML(html);
const textOf = (element: Element | null | undefined) => element?.textContent ?? '';

test('what comes from outside is text, wherever it stands', () => {
  assert.is(document.querySelectorAll('script').length, 0);
  assert.not(html.includes('<script'));
  for (const element of document.querySelectorAll('*')) {
    for (const { name } of element.attributes) assert.not.match(name, /^on/);
  }
  for (const place of ['h2', '.files a', '.file p', '.facts dt', '.facts dd', 'pre']) {
    const all = [...document.querySelectorAll(place)].map(textOf);
    assert.ok(
      all.some((text) => text.includes(evil)),
      place,
    );
  }
});

test('nothing is fetched from anywhere, and the page says so to the browser', () => {
  const addresses = [
    ...html.matchAll(/(?:src|href|action|url|@import)\s*[=(]\s*["']?([^"')\s]+)/g),
  ];
  for (const [, address] of addresses)
    assert.match(address, /^(data:image\/(png|jpeg);base64,|#file\d)/);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; img-src data:;/);
  assert.not.match(html.replace(/base64,[\w+/=]+/g, ''), /https?:|\/\/\w/);
});

test('pictures are those given, byte for byte, with what they show in words', () => {
  const images = [...document.querySelectorAll('img')];
  assert.is(images.length, 2);
  for (const [k, [type, bytes]] of (
    [
      ['jpeg', jpeg],
      ['png', png],
    ] as const
  ).entries()) {
    const source = images[k].getAttribute('src') ?? '';
    const start = `data:image/${type};base64,`;
    assert.ok(source.startsWith(start));
    assert.ok(Buffer.from(source.slice(start.length), 'base64').equals(bytes));
    assert.ok((images[k].getAttribute('alt') ?? '').length > 5);
  }
  assert.ok(document.querySelector('#time'), "the video's timeline");
});

test('every file is told: hash, verdicts, scores, views; the gravest first in the table', () => {
  const rows = [...document.querySelectorAll('.files tbody tr')].map((row) =>
    [...row.children].map(textOf),
  );
  assert.equal(rows, [
    [evil, 'altered', '2', '0.900'],
    ['quiet.jpg', 'nothing found', '1', '0.100'],
    ['small.png', 'face too small', '1', '–'],
    ['torn.png', 'not looked at', '0', '–'],
  ]);
  for (const link of document.querySelectorAll('.files a')) {
    const target = document.querySelector(link.getAttribute('href') ?? '');
    assert.ok(textOf(target).startsWith(textOf(link)));
  }
  const [quiet, two] = [...document.querySelectorAll('.file')];
  assert.ok(textOf(quiet).includes('ab'.repeat(32)));
  assert.ok(textOf(quiet).includes('30 × 40 pixels at 10, 21'));
  assert.not.ok(textOf(quiet).includes('Marked by the mask')); // nothing was found there
  assert.equal([...two.querySelectorAll('h3')].map(textOf), ['Face 1 altered', 'Face 2 unsure']);
  assert.ok(textOf(two).includes('mirrored 0.450'));
  assert.ok(textOf(two).includes('25.0 % of the face crop'));
  assert.is(two.querySelectorAll('.strip circle').length, 4);
  const numbers = [...document.querySelectorAll('.headline dd')].map(textOf);
  assert.equal(
    numbers.map((text) => Number.parseInt(text, 10)),
    [4, 1, 0, 1, 1, 1],
  );
});

test('threshold, limits, weights and settings are on the page', () => {
  const all = textOf(document.body);
  for (const words of [
    ...[scope, 'chosen on 100 faces', '5 % of the real ones', 'cd'.repeat(32), `# ${evil}`],
    ...['Nothing found is no clearance', 'Wholly generated pictures', 'Grad-CAM'],
  ]) {
    assert.ok(all.includes(words), words);
  }
});

test('pictures that were left out are told, and an uncalibrated threshold too', () => {
  const page = caseReport([findings[0]], [], { ...about, threshold: undefined, leftOut: 3 });
  assert.match(page, /3 faces are told without pictures/);
  assert.match(page, /0\.5, uncalibrated/);
  assert.not.match(html, /without pictures/);
});

test('a threshold set by hand is told beside the own one, and nothing is claimed of it', () => {
  const pageAt = (setThreshold: number, own: Threshold | undefined) =>
    parseHTML(caseReport([findings[0]], [], { ...about, threshold: own, setThreshold })).document;
  const higher = pageAt(0.97, threshold);
  const text = textOf(higher.querySelector('main'));
  assert.match(text, "called altered from 0.97, set by hand; the network's own is");
  assert.match(text, /was not measured; no more than at the network's own/);
  assert.match(textOf(higher.querySelector('.strip')), 'threshold 0.970');
  const lower = pageAt(0.01, threshold);
  assert.match(textOf(lower.querySelector('main')), "no fewer than at the network's own");
  const none = textOf(pageAt(0.3, undefined).querySelector('main'));
  assert.match(none, "from 0.3, set by hand; the network's own is 0.5, uncalibrated");
});

test('a band of unsure scores is drawn where it lies on the strip', () => {
  const unsure = { from: 0.4, to: 0.6, real: 0.1, forged: 0.1, accused: 0.02, missed: 0.2 };
  const page = caseReport([findings[0]], [], {
    ...about,
    threshold: { ...threshold, unsure } as Threshold,
  });
  const band = parseHTML(page).document.querySelector('.strip .band');
  const line = parseHTML(page).document.querySelector('.strip .bound');
  const [x, width] = ['x', 'width'].map((name) => Number(band?.getAttribute(name)));
  const at = Number(line?.getAttribute('x1'));
  assert.ok(Math.abs(x + width / 2 - at) < 0.2, `${x} + ${width} / 2, threshold ${at}`);
});

test('a video is told by its tracks, not by each face of each frame', () => {
  const video = {
    ...file('clip.mp4', [face(0.9), face(0.8), face(0.7)], { kind: 'video' }),
    ...{ frames: [], probability: 0.8, videoScore: 'mean' },
    tracks: [
      {
        faces: [0, 1, 2],
        scores: [0.9, 0.8, 0.7].map((probability, k) => ({ time: k, frame: 10 * k, probability })),
        ...{ probability: 0.8, verdict: 'altered', note: null },
      },
    ],
  } as unknown as Finding;
  const page = parseHTML(caseReport([video], [{ faces: [], timeline: '<svg id="time"/>' }], about));
  const [section] = [...page.document.querySelectorAll('.file')];
  assert.equal([...section.querySelectorAll('h3')].map(textOf), ['Track 1 altered']);
  const told = textOf(section);
  for (const words of ['0.800 (mean of its frames)', '0.900', '0.00 s to 2.00 s']) {
    assert.ok(told.includes(words), words);
  }
  assert.ok(section.querySelector('#time'));
});
