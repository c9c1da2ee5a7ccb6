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

/** Bytes that the page's code may have, compressed, without weights and WebAssembly. */
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
  entryPoints: ['app', 'llsm', 'engine.worker'].map((name) => `web/${name}.ts`),
  outdir: 'dist/web',
  bundle: true,
  splitting: true,
  platform: 'browser',
  format: 'esm',
  target: ['chrome113', 'firefox141', 'safari26'],
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [shortShaders],
  alias: {
    'wgsl_reflect/wgsl_reflect.module.js': join(root, 'web/reflect.ts'),
    exifr: 'exifr/dist/mini.esm.mjs',
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
 * Compressed bytes of the code that the page loads, by file.
 * @param {string} root
 * @returns {[name: string, bytes: number][]}
 */
export function codeSizes(root) {
  const folder = join(root, 'dist', 'web');
  return readdirSync(folder)
    .filter((name) => /\.(js|css|html)$/.test(name) && name !== 'llsm.js')
    .map((name) => [name, gzipSync(readFileSync(join(folder, name)), { level: 9 }).length]);
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
  const total = codeSizes(root).reduce((sum, [, bytes]) => sum + bytes, 0);
  console.error(
    `dist/web: ${(total / 1000).toFixed(1)} kB of code, compressed (${most / 1000} at most)`,
  );
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}
