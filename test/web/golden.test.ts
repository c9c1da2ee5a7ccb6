import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { launch, servePage, visit } from '../support/browser.ts';
import { launchFirefox } from '../support/firefox.ts';
import { assertGolden, makeGoldenPage } from '../support/golden-page.ts';
import { skip, suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

const test = suite('golden cases in the browser');
const folder = mkdtempSync(join(tmpdir(), 'llsm-golden-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

for (const head of ['mlp', 'bilinear']) {
  test(`the case ${head} has PyTorch's results, to 1e-3`, async () => {
    needTool('chromium');
    const own = join(folder, head);
    await makeGoldenPage(head, own);
    const serving = await servePage(0, own);
    const browser = await launch();
    try {
      const { page, complaints } = await visit(browser, serving);
      await page.waitForFunction('globalThis.differences');
      assertGolden(await page.evaluate<Record<string, number>>('differences()'));
      assert.equal(complaints, []);
    } finally {
      await browser.close();
      serving.server.close();
    }
  });
}

test("in Firefox, the case mlp has PyTorch's results, to 1e-3", async () => {
  needTool('firefox-esr');
  const own = join(folder, 'firefox');
  await makeGoldenPage('mlp', own);
  const serving = await servePage(0, own);
  const browser = await launchFirefox();
  try {
    const page = await browser.newPage();
    await page.goto(serving.url);
    const adapter = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
    if (!adapter) skip(`${await browser.version()} offers no WebGPU adapter here`);
    await page.waitForFunction('globalThis.differences');
    assertGolden((await page.evaluate('differences()')) as Record<string, number>);
  } finally {
    await browser.close();
    serving.server.close();
  }
});
