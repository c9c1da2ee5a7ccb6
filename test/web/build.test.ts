import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { codeSizes, loadedBy, most, shortShader } from '../../scripts/web.js';
import { test } from '../support/run.ts';

const folder = 'dist/web';

test("the page's code stays small", () => {
  const { page, training, video } = codeSizes('.');
  // Both are there at all, and counted.
  assert.ok(page > 50_000 && page <= most, `${page} bytes of ${most}`);
  assert.ok(video > 50_000 && video <= 170_000, `a video adds ${video} bytes`);
  assert.ok(training > 10_000 && training <= most / 2, `training adds ${training} bytes`);
});

test('the report is not loaded before somebody wants one', () => {
  const words = 'What this method cannot do';
  const holds = (name: string) => readFileSync(join(folder, name), 'utf8').includes(words);
  const first = new Set([...loadedBy(folder, 'app.js'), ...loadedBy(folder, 'engine.worker.js')]);
  assert.equal([...first].filter(holds), []);
  // It is there all the same, for the page as for the library.
  const report = readdirSync(folder).find((name) => /^report-.*\.js$/.test(name));
  assert.ok(report && [...loadedBy(folder, report)].some(holds));
});

test('the folder is whole: what the page names is in it', () => {
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  for (const [, name] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) {
    assert.ok(existsSync(join(folder, name)), name);
  }
  const input = readFileSync('web/input.ts', 'utf8');
  const samples = [...input.matchAll(/file: '([^']+)'/g)].map(([, name]) => name).sort();
  assert.ok(samples.length > 0);
  assert.equal(samples, readdirSync(join(folder, 'samples')).sort());
  for (const name of ['llsm.safetensors', 'facefinder.safetensors', 'webp_dec.wasm']) {
    assert.ok(existsSync(join(folder, name)), name);
  }
});

test('the page may do what the server lets it, and a static host need not say it', () => {
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  const server = readFileSync('node/serve/serve.ts', 'utf8');
  // All but what a page cannot say of itself.
  for (const rule of policy.split('; ')) assert.ok(server.includes(`"${rule}"`), rule);
});

test('a shader keeps its code and its directives', () => {
  const long =
    '// what\n  //! if ROWS\n\n  let a = b / c; // why\n//! end\n/* more\n of it */ fn x() {}\n';
  assert.is(shortShader(long), '//! if ROWS\nlet a = b / c;\n//! end\nfn x() {}');
});
