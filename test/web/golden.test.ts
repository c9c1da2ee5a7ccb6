import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { webOptions } from '../../scripts/web.js';
import { launch, servePage, visit } from '../support/browser.ts';
import { suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

const test = suite('golden cases in the browser');
const folder = mkdtempSync(join(tmpdir(), 'llsm-golden-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

for (const head of ['mlp', 'bilinear']) {
  test(`the case ${head} has PyTorch's results, to 1e-3`, async () => {
    needTool('chromium');
    const own = join(folder, head);
    mkdirSync(own);
    for (const name of ['config.json', ...['weights', 'input', 'eval'].map(safetensors)]) {
      copyFileSync(join('test/golden', head, name), join(own, name));
    }
    writeFileSync(
      join(own, 'index.html'),
      '<!doctype html><title>golden</title><link rel="icon" href="icon.svg"><script type="module" src="golden.page.js"></script>',
    );
    writeFileSync(join(own, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    const options = webOptions(process.cwd());
    // As the page is built: its shaders and its reading of their declarations.
    await build({ ...options, entryPoints: ['test/web/golden.page.ts'], outdir: own });
    const serving = await servePage(0, own);
    const browser = await launch();
    try {
      const { page, complaints } = await visit(browser, serving);
      await page.waitForFunction('globalThis.differences');
      const found = await page.evaluate<Record<string, number>>('differences()');
      assert.equal(Object.keys(found).sort(), ['logit', 'mask', 'similarity']);
      for (const [name, off] of Object.entries(found)) assert.ok(off < 1e-3, `${name}: ${off}`);
      assert.equal(complaints, []);
    } finally {
      await browser.close();
      serving.server.close();
    }
  });
}

function safetensors(name: string): string {
  return `${name}.safetensors`;
}
