/** The page as people use it, in Chromium on SwiftShader. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { nodeHost } from '../../node/host.ts';
import { hasProgram } from '../../scripts/tools.js';
import { Detector, openPicture } from '../../src/detect/detector.ts';
import type { Finding } from '../../src/detect/finding.ts';
import { type Cam, fixedScale } from '../../src/detect/gradcam.ts';
import { provideHost } from '../../src/detect/host.ts';
import { caseReport } from '../../src/detect/report/case.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { parseCheckpoint } from '../../src/model/llsm/checkpoint.ts';
import {
  launch,
  type Serving,
  servePage,
  visit,
  type Watched,
  wrongFor,
} from '../support/browser.ts';
import { suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

const test = suite('the page');
/** Software drivers on busy machines take their time; nothing here is about how long. */
const patience = 120_000;
let browser: Browser;
let serving: Serving;
/** One visit for what can be tried one after the other. */
let seen: Watched;

test.before(async () => {
  if (!hasProgram('chromium')) return;
  serving = await servePage(0);
  browser = await launch();
  seen = await visit(browser, serving, { viewport: { width: 1200, height: 900 } });
  seen.page.setDefaultTimeout(patience);
});
test.after(async () => {
  await browser?.close();
  serving?.server.close();
});

/** A test that needs the browser. */
function inBrowser(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    needTool('chromium');
    await body();
  });
}

const problemOf = async (page: Page): Promise<string> => {
  await page.waitForSelector('#problem:not([hidden])');
  return (await page.textContent('#problem-text')) ?? '';
};

async function lookAtSample(page: Page, name: string): Promise<void> {
  await page.click(`#samples img[src$="/${name}"]`);
  await page.waitForFunction(
    (file) =>
      document.querySelector('#status')?.hasAttribute('hidden') &&
      document.querySelector('#details')?.textContent?.includes(file),
    name,
  );
}

async function reportOf(page: Page): Promise<{ results: Finding[] } & Record<string, unknown>> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  return JSON.parse(readFileSync(await download.path(), 'utf8'));
}

/** Gives the page files as a person drops them. */
const drop = (page: Page, name: string, bytes: Uint8Array) =>
  page.evaluate(
    ([file, content]) => {
      const data = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([data], file));
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }),
      );
    },
    [name, Buffer.from(bytes).toString('base64')],
  );

inBrowser('says something of a sample, in the words of `detect`', async () => {
  const { page } = seen;
  assert.equal(await wrongFor(page), [], 'before a picture is given');
  await lookAtSample(page, 'anna-mouth.jpg');
  const word = await page.textContent('#verdict .word');
  assert.ok(['altered', 'nothing found', 'unsure'].includes(word ?? ''), `${word}`);
  assert.is(await page.locator('#stage button').count(), 1);
  assert.is(await page.locator('#views tr').count(), 5);
  assert.match((await page.textContent('#scope')) ?? '', 'altered regions');
  assert.equal(await wrongFor(page), [], 'with a verdict');
});

inBrowser('finds what Node finds, to 1e-3', async () => {
  const { page } = seen;
  provideHost(nodeHost);
  const detector = await Detector.load();
  for (const name of readdirSync('web/static/samples')) {
    await lookAtSample(page, name);
    const [found] = (await reportOf(page)).results;
    const wanted = await detector.detect(join('web/static/samples', name), { name });
    assert.is(found.sha256, wanted.sha256);
    assert.is(found.faces.length, wanted.faces.length, name);
    for (const [k, face] of wanted.faces.entries()) {
      const own = found.faces[k];
      assert.equal(own.box?.map(Math.round), face.box?.map(Math.round), name);
      for (const [v, view] of face.views.entries()) {
        const off = Math.abs(own.views[v].probability - view.probability);
        assert.ok(off < 1e-3, `${name}, ${view.name}: ${off}`);
      }
      assert.is(own.verdict, face.verdict, name);
    }
  }
  detector.dispose();
});

inBrowser('the explorer follows keys and pointer, and says what it shows', async () => {
  const { page } = seen;
  const note = () => page.textContent('#explorer-note');
  await page.focus('#explorer');
  await page.keyboard.press('Home');
  const places = [await note()];
  for (const key of ['ArrowRight', 'ArrowRight', 'End']) {
    await page.keyboard.press(key);
    places.push(await note());
  }
  const columns = places.map((text) => Number(/column (\d+)/.exec(text ?? '')?.[1]));
  assert.equal(columns, [1, 2, 3, 14]);
  const { width } = (await page.locator('#explorer').boundingBox()) ?? { width: 0 };
  await page.locator('#explorer').hover({ position: { x: width * 0.52, y: width * 0.02 } });
  assert.match((await note()) ?? '', /row 1, column 8:/);
  const matrix = page.locator('#explorer-matrix');
  const { height } = (await matrix.boundingBox()) ?? { height: 0 };
  await matrix.click({ position: { x: 5, y: height - 2 } });
  assert.match((await note()) ?? '', /row 14, column 1[34]:/);
});

inBrowser('the threshold moves the verdict, and back', async () => {
  const { page } = seen;
  // Its views lie within the slider's range, and their mean beyond the band of unsure verdicts.
  await lookAtSample(page, 'carl-mouth.jpg');
  const word = () => page.textContent('#verdict .word');
  const before = await word();
  const slide = (value: string) => page.locator('#threshold').fill(value);
  await slide('0.99');
  assert.is(await word(), 'nothing found');
  assert.match((await page.textContent('#threshold-note')) ?? '', 'at most');
  assert.is((await reportOf(page)).results[0].verdict, 'nothing found');
  await slide('0.01');
  assert.is(await word(), 'altered');
  assert.match((await page.textContent('#threshold-note')) ?? '', 'at least');
  await page.click('#threshold-back');
  assert.is(await word(), before);
});

/** What the page says of a Grad-CAM: places along a side, where it is largest, its largest value and its mean. */
async function camOf(page: Page, tap: string): Promise<number[]> {
  await page.selectOption('#cam-tap', tap);
  await page.waitForSelector('#cam-maps:not([hidden])');
  const words =
    /Of (\d+) × \d+ places the one at row (\d+), column (\d+) says most: ([\d.]+) on the fixed scale, ([\d.]+) in/;
  const note = (await page.textContent('#cam-note')) ?? '';
  const [, ...numbers] = words.exec(note) ?? [];
  assert.is(numbers.length, 5, note);
  return numbers.map(Number);
}

const drawnOn = (page: Page, id: string) =>
  page.$eval(id, (canvas) => (canvas as HTMLCanvasElement).toDataURL());

inBrowser('shows Grad-CAM by layer, as Node computes it', async () => {
  const { page } = seen;
  const sample = 'web/static/samples/anna-mouth.jpg';
  await lookAtSample(page, 'anna-mouth.jpg');
  assert.is(await page.textContent('#cam-note'), '', 'nothing before somebody asks');
  await page.click('#cam-card summary');
  provideHost(nodeHost);
  const detector = await Detector.load();
  const { image } = await openPicture(sample);
  const [{ face }] = await detector.examiner.find(image);
  const weights = readFileSync('weights/llsm.safetensors');
  assert.is(await page.inputValue('#cam-tap'), 'd1');
  const pictures = new Set<string>();
  for (const tap of ['d1', 'd3', 'e5']) {
    const [side, row, column, most, mean] = await camOf(page, tap);
    const options = { batch: 1, cam: tap };
    const scorer = await FaceScorer.build(detector.gpu, parseCheckpoint(weights, 'w'), options);
    const [{ cam }] = await scorer.detect([face as RgbImage]);
    scorer.destroy();
    assert.is(side, cam?.side, tap);
    const values = fixedScale(cam as Cam);
    const wanted = [
      values[(row - 1) * side + column - 1],
      Math.max(...values),
      values.reduce((sum, value) => sum + value, 0) / values.length,
    ];
    for (const [k, value] of [most, most, mean].entries()) {
      assert.ok(Math.abs(value - wanted[k]) < 2e-3, `${tap}: ${value}, in Node ${wanted[k]}`);
    }
    for (const id of ['#cam-fixed', '#cam-own']) pictures.add(await drawnOn(page, id));
  }
  detector.dispose();
  assert.is(pictures.size, 6);
  // What was computed is shown again at once, and no other way.
  await page.selectOption('#cam-tap', 'd1');
  assert.ok(pictures.has(await drawnOn(page, '#cam-fixed')));
  assert.equal(await wrongFor(page), []);
});

inBrowser('saves the report of `llsm detect`, which needs nothing else', async () => {
  const { page, context } = seen;
  const saveIt = async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#download-html'),
    ]);
    assert.match(download.suggestedFilename(), 'anna-mouth.jpg.llsm.html');
    return readFileSync(await download.path(), 'utf8');
  };
  const html = await saveIt();
  const saved = await context.newPage();
  const asked: string[] = [];
  saved.on('request', (request) => asked.push(request.url()));
  await saved.setContent(html);
  const word = await page.textContent('#verdict .word');
  assert.is(await saved.textContent('.face .badge'), word);
  const text = (await saved.textContent('main')) ?? '';
  const { results, weightsSha256 } = await reportOf(page);
  for (const words of [String(weightsSha256), String(results[0].sha256), 'Grad-CAM atd1']) {
    assert.ok(text.includes(words), words);
  }
  // What the network was measured to do, in the words of its card.
  assert.ok(text.includes(readFileSync('weights/README.md', 'utf8').trim()), 'the model card');
  // As in Node, but for what differs from run to run.
  const about = { made: '', version: '', adapter: '', settings: [] };
  const own = caseReport(results, [], { ...about, weights: { name: '', sha256: '', facts: [] } });
  const headings = [...own.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
  const found = await saved.locator('h2:not([id])').allTextContents();
  assert.ok(headings.length > 4);
  assert.equal(found, headings);
  // The whole picture and the face's sheet, the sheet with all its rows.
  const sizes = await saved.$$eval('img[src^="data:image/jpeg"]', (images) =>
    images.map((image) => [
      (image as HTMLImageElement).naturalWidth,
      (image as HTMLImageElement).naturalHeight,
    ]),
  );
  assert.is(sizes.length, 2);
  assert.ok(sizes[1][0] > 1000 && sizes[1][1] > 900, `${sizes[1]}`);
  assert.is(await saved.locator('button, input, script').count(), 0);
  assert.equal(await wrongFor(saved), []);
  assert.equal(
    asked.filter((url) => !url.startsWith('data:')),
    [],
  );
  await saved.close();
  await page.locator('#threshold').fill('0.99');
  assert.match(await saveIt(), 'called altered from 0.99, set by hand');
  await page.click('#threshold-back');
});

inBrowser('says what is wrong with a file, and goes on', async () => {
  const { page } = seen;
  await drop(page, 'notes.jpg', new TextEncoder().encode('this is no picture'));
  assert.match(await problemOf(page), /notes\.jpg.*JPEG, PNG/);
  assert.equal(await wrongFor(page), [], 'with a problem');
  await drop(page, 'net.safetensors', new Uint8Array(100).fill(7));
  await page.waitForFunction(() =>
    document.querySelector('#problem-text')?.textContent?.includes('net.safetensors'),
  );
  assert.match(await problemOf(page), 'not a safetensors file');
  await lookAtSample(page, 'ben.jpg');
  assert.ok(await page.isHidden('#problem'));
});

inBrowser('takes another network by drop', async () => {
  const { page } = seen;
  await drop(page, 'mine.safetensors', readFileSync('test/golden/mlp/weights.safetensors'));
  await page.waitForFunction(() =>
    document.querySelector('#network-text')?.textContent?.startsWith('mine.safetensors'),
  );
  assert.match((await page.textContent('#network-text')) ?? '', '80 x 80');
  await page.waitForSelector('#status', { state: 'hidden' });
  assert.is((await reportOf(page)).weights, 'mine.safetensors');
  // Its Grad-CAM, not that of the network before.
  await page.waitForSelector('#cam-maps:not([hidden])');
  assert.match((await page.textContent('#cam-note')) ?? '', /^(Of|None of) 37 × 37/);
});

inBrowser('nothing was complained of, and nobody else was asked', async () => {
  assert.equal(seen.complaints, []);
  assert.equal(seen.outside, []);
});

inBrowser('fits a narrow screen, dark too', async () => {
  const { page, complaints, context } = await visit(browser, serving, {
    viewport: { width: 340, height: 700 },
    colorScheme: 'dark',
  });
  page.setDefaultTimeout(patience);
  await lookAtSample(page, 'carl-mouth.jpg');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 340, `${wide} pixels wide`);
  assert.equal(await wrongFor(page), []);
  assert.equal(complaints, []);
  await context.close();
});

/** Puts code before a script of the page's. */
const before = (page: Page, script: string, code: string) =>
  page.route(`**/${script}`, async (route) => {
    try {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${code}\n${await response.text()}` });
    } catch {
      // The page was closed meanwhile.
    }
  });

inBrowser('without WebGPU it says which browsers have it', async () => {
  const { page, complaints, context } = await visit(browser, serving, {
    prepare: (page) =>
      before(
        page,
        'engine.worker.js',
        'Object.defineProperty(navigator, "gpu", { value: undefined });',
      ),
  });
  const text = await problemOf(page);
  assert.match(text, /no WebGPU.*Chrome.*Safari.*Firefox/);
  assert.ok(await page.isDisabled('#choose'));
  assert.equal(complaints, []);
  assert.equal(await wrongFor(page), []);
  await context.close();
});

inBrowser('refuses an adapter that computes wrong numbers', async () => {
  const { page, context } = await visit(browser, serving, {
    prepare: (page) =>
      before(
        page,
        'engine.worker.js',
        `const make = GPUDevice.prototype.createShaderModule;
        GPUDevice.prototype.createShaderModule = function (given) {
          return make.call(this, { ...given, code: given.code.replaceAll('max(', 'min(') });
        };`,
      ),
  });
  page.setDefaultTimeout(patience);
  assert.match(await problemOf(page), 'computes wrong numbers');
  assert.ok(await page.isHidden('#result'));
  await context.close();
});

inBrowser(
  'goes on where the adapter is lost once, and offers to where it is lost again',
  async () => {
    const { page, context } = await visit(browser, serving, {
      prepare: (page) =>
        before(
          page,
          'engine.worker.js',
          `const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (given) {
          return (globalThis.device = await request.call(this, given));
        };`,
        ),
    });
    page.setDefaultTimeout(patience);
    await lookAtSample(page, 'anna.jpg');
    const lose = async () => {
      const worker = page.workers().at(-1);
      await worker?.evaluate('device.destroy()');
    };
    await lose();
    await page.waitForFunction(() => document.querySelector('#result')?.hasAttribute('hidden'));
    await page.waitForFunction(() =>
      document.querySelector('#details')?.textContent?.includes('anna.jpg'),
    );
    await page.waitForSelector('#verdict .word');
    await page.waitForSelector('#status', { state: 'hidden' });
    await lose();
    assert.match(await problemOf(page), /lost.*Start again|lost/);
    await page.click('#problem-way');
    await page.waitForSelector('#verdict .word');
    await context.close();
  },
);
