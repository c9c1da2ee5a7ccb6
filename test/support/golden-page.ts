/** A page that computes a golden case on the browser's adapter: test/web/golden.page.ts and what it reads. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { webOptions } from '../../scripts/web.js';

const safetensors = (name: string): string => `${name}.safetensors`;

/** Makes the page of a case of test/golden in a folder, built as the page of llsm is. */
export async function makeGoldenPage(head: string, folder: string): Promise<void> {
  mkdirSync(folder);
  for (const name of ['config.json', ...['weights', 'input', 'eval'].map(safetensors)]) {
    copyFileSync(join('test/golden', head, name), join(folder, name));
  }
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>golden</title><link rel="icon" href="icon.svg"><script type="module" src="golden.page.js"></script>',
  );
  writeFileSync(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  // As the page is built: its shaders and its reading of their declarations.
  const options = webOptions(process.cwd());
  await build({ ...options, entryPoints: ['test/web/golden.page.ts'], outdir: folder });
}

/** Asserts that the page's `differences()` are those of PyTorch's results, to 1e-3. */
export function assertGolden(found: Record<string, number>): void {
  assert.equal(Object.keys(found).sort(), ['logit', 'mask', 'similarity']);
  for (const [name, off] of Object.entries(found)) assert.ok(off < 1e-3, `${name}: ${off}`);
}
