/** Training in the page, in Chromium on SwiftShader: steps, pause, a reload, and what is saved. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { parseCheckpoint } from '../../src/model/llsm/checkpoint.ts';
import { launch, servePage, visit } from '../support/browser.ts';
import { suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

const test = suite('training in the page');
const patience = 400_000;

/** The step that the run is at. */
const stepOf = async (page: Page): Promise<number> =>
  Number(/Step (\d+) of/.exec((await page.textContent('#train-step')) ?? '')?.[1]);

async function wrongFor(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8'));
  // biome-ignore lint/suspicious/noExplicitAny: axe is a script of the page
  const found = await page.evaluate(() => (globalThis as any).axe.run());
  return found.violations.map(({ id }: { id: string }) => id);
}

async function until(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const text = document.querySelector('#train-step')?.textContent ?? '';
      return Number(/Step (\d+) of/.exec(text)?.[1]) >= wanted;
    },
    step,
    { timeout: patience },
  );
}

test('a loss that falls, a pause, a reload, more steps, and a network that can be used', async () => {
  needTool('chromium');
  const serving = await servePage(0);
  const browser = await launch();
  const { page, complaints, outside } = await visit(browser, serving, {
    path: '#train',
    // The seed of the run: the same people and the same forgeries each time.
    prepare: (page) => page.addInitScript('Math.random = () => 0.25'),
  });
  page.setDefaultTimeout(patience);
  try {
    await page.waitForFunction(() => document.querySelector('#train-status')?.textContent === '');
    assert.equal(await wrongFor(page), [], 'before a run');
    await page.selectOption('#train-people', '8');
    await page.click('#train-start');
    await until(page, 40);
    await page.click('#train-pause');
    await page.waitForSelector('#train-go:visible');
    const paused = await stepOf(page);
    assert.match((await page.textContent('#train-status')) ?? '', `kept at step ${paused}`);
    assert.equal(await wrongFor(page), [], 'paused');
    assert.is(await page.locator('#train-faces figure').count(), 8);

    await page.reload();
    await page.waitForSelector('#train-go:visible');
    assert.is(await stepOf(page), paused);
    await page.click('#train-go');
    await until(page, paused + 2);
    await page.click('#train-pause');
    await page.waitForSelector('#train-go:visible');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#train-save'),
    ]);
    const checkpoint = parseCheckpoint(readFileSync(await download.path()), 'trained');
    assert.is(checkpoint.config.size, 64);

    const metrics = await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('training');
      const file = await (await folder.getFileHandle('metrics.json')).getFile();
      return JSON.parse(await file.text()) as { step: number; loss?: number }[];
    });
    const steps = metrics.filter(({ loss }) => loss !== undefined);
    // One line a step, over the reload too.
    assert.equal(
      steps.map(({ step }) => step),
      steps.map((_, k) => k + 1),
    );
    const mean = (part: typeof steps) =>
      part.reduce((sum, { loss }) => sum + (loss as number), 0) / part.length;
    const [first, last] = [mean(steps.slice(0, 10)), mean(steps.slice(30, 40))];
    assert.ok(last < first, `from ${first} to ${last}`);

    await page.click('#train-use');
    await page.waitForFunction(() =>
      document.querySelector('#network-text')?.textContent?.startsWith('trained.safetensors'),
    );
    await page.click('nav a[href="#train"]');
    await page.click('#train-forget');
    await page.waitForSelector('#train-new:visible');
    assert.equal(complaints, []);
    assert.equal(outside, []);
  } finally {
    await browser.close();
    serving.server.close();
  }
});
