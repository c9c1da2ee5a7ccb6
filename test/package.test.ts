import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { launch, serveFolder, visit } from './support/browser.ts';
import { skip, suite } from './support/run.ts';
import { needTool } from './support/tools.ts';

const test = suite('the packed archive in an empty folder');
const base = mkdtempSync(join(tmpdir(), 'llsm-package-'));
const empty = join(base, 'empty');
test.after(() => rmSync(base, { recursive: true, force: true }));

function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${stdout}\n${stderr}`);
  return stdout;
}

/** Packs the sources as `npm publish` would, and unpacks them beside the packages they depend on. */
function install(): void {
  const sources = run('git', ['ls-files', '-co', '--exclude-standard'], '.').trim().split('\n');
  const copy = join(base, 'copy');
  for (const path of sources) if (existsSync(path)) cpSync(path, join(copy, path));
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', base], copy));
  mkdirSync(join(empty, 'node_modules', 'llsm'), { recursive: true });
  const into = ['--strip-components=1', '-C', join(empty, 'node_modules', 'llsm')];
  run('tar', ['-xzf', join(base, packed.filename), ...into], '.');
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  for (const [path, { dev }] of Object.entries<{ dev?: true }>(packages)) {
    const target = join(empty, path);
    if (path === '' || dev || !existsSync(path) || existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(resolve(path), target);
  }
}

test.before(() => {
  if (existsSync('.git')) install();
});

/** A code block of the README by the name in the comment before it. */
function example(name: string): string {
  const text = readFileSync('README.md', 'utf8');
  const found = new RegExp(`<!-- example: ${name} -->\\n\`\`\`js\\n([^]*?)\`\`\``).exec(text);
  assert.ok(found, `README.md has no example ${name}`);
  return found[1];
}

function inEmptyFolder(name: string, args: string[] = []): string {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  writeFileSync(join(empty, name), example(name));
  return run(process.execPath, [name, ...args], empty);
}

test("the README's engine example computes a convolution and its weights' gradient", () => {
  const numbers = inEmptyFolder('engine.mjs').match(/\b4\b/g) ?? [];
  // Sums over four channels, and over four positions: all 64 are 4.
  assert.is(numbers.length, 64);
});

test("the README's detector example says how likely a face was altered", () => {
  const photo = resolve('docs/demo-sheet.png');
  const said = inEmptyFolder('detector.mjs', [photo]);
  assert.match(said, /^altered with probability 0\.\d{3}; 50176 pixels, 38416 pairs\n$/);
});

test("the examples' program says a verdict", () => {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  cpSync('examples/node/detect.mjs', join(empty, 'detect.mjs'));
  const said = run(process.execPath, ['detect.mjs', resolve('web/static/samples/anna.jpg')], empty);
  assert.match(said, /^(altered|unsure|nothing found)\n0\.\d{3} at .*its views( 0\.\d{3}){5}\n$/);
});

/** Serves a folder in the browser, gives its page a picture, and returns what it says then. */
async function saidInBrowser(folder: string): Promise<string> {
  cpSync(join(empty, 'node_modules', 'llsm', 'dist', 'web'), join(folder, 'llsm'), {
    recursive: true,
  });
  const serving = await serveFolder(folder);
  const browser = await launch();
  try {
    const { page, complaints } = await visit(browser, serving);
    page.setDefaultTimeout(240_000);
    await page.waitForFunction(() => document.querySelector('pre')?.textContent === 'ready');
    await page.setInputFiles('input', 'web/static/samples/anna.jpg');
    await page.waitForFunction(() => document.querySelector('pre')?.textContent?.includes('0.'));
    const missing = complaints.filter((text) => !text.includes('404'));
    assert.equal(missing, []);
    return (await page.textContent('pre')) ?? '';
  } finally {
    await browser.close();
    serving.server.close();
  }
}

test("the examples' page with a script tag says a verdict", async () => {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  needTool('chromium');
  const folder = join(base, 'page');
  cpSync('examples/page', folder, { recursive: true });
  assert.match(await saidInBrowser(folder), /^(altered|unsure|nothing found)\n.*0\.\d{3}$/);
});

test("the examples' application, bundled for a browser, says a verdict", async () => {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  needTool('chromium');
  const folder = join(base, 'bundled');
  cpSync('examples/vite/index.html', join(folder, 'index.html'));
  cpSync('examples/vite/main.js', join(empty, 'main.js'));
  await build({
    ...{ absWorkingDir: empty, entryPoints: ['main.js'], outdir: folder },
    ...{ bundle: true, format: 'esm', platform: 'browser', logLevel: 'warning' },
  });
  assert.match(await saidInBrowser(folder), /^(altered|unsure|nothing found)\n0\.\d{3}$/);
});

test('the command works, and brings no sources and no development packages', () => {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  const installed = join(empty, 'node_modules', 'llsm');
  assert.not.ok(existsSync(join(empty, 'node_modules', 'esbuild')));
  assert.not.ok(readdirSync(installed).includes('src'));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const bin = join(installed, 'bin', 'llsm.js');
  assert.is(run(process.execPath, [bin, '--version'], empty), `${version}\n`);
});

test('what is exported has types', () => {
  if (!existsSync(empty)) skip('this is no checkout: there is nothing to pack');
  writeFileSync(
    join(empty, 'typed.ts'),
    `import { type Detection, FaceScorer, openGpu } from 'llsm';
import { Graph, Tensor } from 'llsm/engine';
import { readImage } from 'llsm/node';
export const sides = async (path: string): Promise<number> => (await readImage(path)).width;
export const p = (found: Detection): number => found.probability;
export const made = [FaceScorer, Graph, Tensor, openGpu];
// @ts-expect-error a probability is a number
export const wrong = (found: Detection): string => found.probability;
`,
  );
  const options = ['--noEmit', '--strict', '--module', 'esnext', '--moduleResolution', 'bundler'];
  const { bin } = JSON.parse(readFileSync('node_modules/typescript/package.json', 'utf8'));
  const tsc = resolve('node_modules/typescript', typeof bin === 'string' ? bin : bin.tsc);
  run(process.execPath, [tsc, ...options, '--target', 'es2023', '--types', '', 'typed.ts'], empty);
});
