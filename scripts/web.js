/**
 * The page and the library for pages: dist/web, complete, for `llsm serve` and for any static host.
 * Bundled from the same sources as everything else, with lighter parts where a page needs less.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { lanesPlugin } from './lanes.js';

/** Bytes that the page's code may have, compressed, without weights, WebAssembly and training. */
export const most = 150_000;

/** The codecs' WebAssembly, as package paths; `src/image/codecs.ts` names the same. */
const codecs = [
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm',
  '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  '@jsquash/webp/codec/dec/webp_dec.wasm',
];

/**
 * A shader without what only people read: comments, indentation, empty lines.
 * @param {string} text
 */
export const shortShader = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => (/^\s*\/\/!/.test(line) ? line.trim() : line.replace(/\/\/.*$/, '').trim()))
    .filter((line) => line !== '')
    .join('\n');

/** @type {import('esbuild').Plugin} */
const shortShaders = {
  name: 'short shaders',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({
      contents: shortShader(readFileSync(path, 'utf8')),
      loader: 'text',
    }));
  },
};

/**
 * @param {string} root the checkout's folder
 * @returns {import('esbuild').BuildOptions}
 */
export const webOptions = (root) => ({
  absWorkingDir: root,
  entryPoints: ['app', 'llsm', 'engine.worker', 'training.worker'].map((name) => `web/${name}.ts`),
  outdir: 'dist/web',
  // A part that is fetched in the course of things bears its name.
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'browser',
  format: 'esm',
  target: ['chrome113', 'firefox141', 'safari26'],
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
  loader: { '.md': 'text' },
  plugins: [shortShaders, lanesPlugin],
  alias: {
    'wgsl_reflect/wgsl_reflect.module.js': join(root, 'web/reflect.ts'),
    exifr: 'exifr/dist/mini.esm.mjs',
    linkedom: join(root, 'web/blank-document.ts'),
    '@jsquash/jpeg/encode.js': join(root, 'web/jpeg-encode.ts'),
    '@jsquash/webp/decode.js': join(root, 'web/webp-decode.ts'),
  },
});

/**
 * The weights that the page fetches, with what they must be.
 * @param {string} root
 */
function networks(root) {
  const files = {
    'llsm.safetensors': join(root, 'weights', 'llsm.safetensors'),
    // Made in its place, where Node has it from too.
    'facefinder.safetensors': join(root, 'dist', 'web', 'facefinder.safetensors'),
  };
  return Object.entries(files).filter(([, path]) => existsSync(path));
}

/**
 * The code that a file loads, itself included.
 * @param {string} folder
 * @param {string} name
 * @param {Set<string>} [known]
 */
export function loadedBy(folder, name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  const text = readFileSync(join(folder, name), 'utf8');
  // What is imported in the course of things is not loaded with the page.
  for (const [, other] of text.matchAll(/(?<!import\()["']\.\/([\w.-]+\.js)["']/g)) {
    loadedBy(folder, other, known);
  }
  return known;
}

/**
 * Bytes of code, compressed: of the page that looks at pictures, what training adds once it is opened,
 * and what a video adds.
 * @param {string} root
 */
export function codeSizes(root) {
  const folder = join(root, 'dist', 'web');
  /** @param {Iterable<string>} names */
  const sum = (names) =>
    [...names].reduce(
      (bytes, name) => bytes + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length,
      0,
    );
  const page = new Set([
    ...['index.html', 'style.css'],
    ...loadedBy(folder, 'app.js'),
    ...loadedBy(folder, 'engine.worker.js'),
  ]);
  const training = loadedBy(folder, 'training.worker.js');
  const video = new Set(
    readdirSync(folder)
      .filter((name) => /^(watch|timeline)-\w+\.js$/.test(name))
      .flatMap((name) => [...loadedBy(folder, name)]),
  );
  /** @param {Set<string>} names */
  const added = (names) => sum([...names].filter((name) => !page.has(name)));
  return { page: sum(page), training: added(training), video: added(video) };
}

/**
 * Builds dist/web where it is older than its sources.
 * @param {string} root the checkout's folder
 * @param {number} changed when the newest source last changed
 */
export async function ensureWebBuilt(root, changed) {
  const out = join(root, 'dist', 'web');
  const stamp = join(out, '.built');
  const needed = Math.max(changed, ...networks(root).map(([, path]) => statSync(path).mtimeMs));
  if ((statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= needed) return;
  const started = new Date();
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(out)) {
    if (!name.startsWith('facefinder.')) rmSync(join(out, name), { recursive: true });
  }
  /** @type {Record<string, { sha256: string, bytes: number }>} */
  const files = {};
  for (const [name, path] of networks(root)) {
    const bytes = readFileSync(path);
    files[name] = {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    };
    if (path !== join(out, name)) copyFileSync(path, join(out, name));
  }
  const { build } = await import('esbuild');
  await build({ ...webOptions(root), define: { LLSM_FILES: JSON.stringify(files) } });
  for (const codec of codecs) {
    copyFileSync(join(root, 'node_modules', codec), join(out, basename(codec)));
  }
  for (const name of readdirSync(join(root, 'web', 'static'), { recursive: true })) {
    const from = join(root, 'web', 'static', String(name));
    if (statSync(from).isDirectory()) mkdirSync(join(out, String(name)), { recursive: true });
    else copyFileSync(from, join(out, String(name)));
  }
  const { page, training, video } = codeSizes(root);
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  console.error(
    `dist/web: ${kilobytes(page)} of code, compressed (${kilobytes(most)} at most); training adds ${kilobytes(training)}, a video ${kilobytes(video)}`,
  );
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}
