// Bundles the commands, the benchmark and the tests into dist/ (esbuild; packages stay external).
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureFaceFinder } from './facefinder.js';
import { lanesPlugin } from './lanes.js';
import { ensureWebBuilt } from './web.js';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Where the product's sources are. */
const rooms = ['src', 'node', 'lab', 'cli'];
/** Folders inside of the sources that are no sources. */
const made = new Set(['node_modules', 'dist']);

/**
 * @param {string} path
 * @returns {number} when it, or anything under it, last changed; 0 where it does not exist
 */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => !made.has(name));
  return Math.max(stat.mtimeMs, ...inside.map((name) => newest(join(path, name))));
}

/**
 * @param {string} folder relative to the repository
 * @param {string} suffix
 * @returns {string[]} the files under it with that ending, as relative paths with slashes, sorted
 */
export function filesUnder(folder, suffix) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${folder}/${name.split(sep).join('/')}`)
    .sort();
}

/** Builds what is older than its sources. An installed package has dist/ and no src/. */
export async function ensureBuilt({ tests = false } = {}) {
  if (!existsSync(join(root, 'src'))) return;
  const sources = [...rooms, 'bench', 'package.json', 'scripts/build.js'];
  if (tests) sources.push('test', 'scripts', 'web'); // test/scripts tests what is in scripts
  await bundle(tests ? 'dist/test/.built' : 'dist/.built', sources, {
    entryPoints: tests
      ? filesUnder('test', '.test.ts')
      : [
          'cli/main.ts',
          ...['src/index.ts', 'src/engine.ts', 'node/index.ts', 'node/llsm.ts'],
          ...rooms.flatMap((room) => filesUnder(room, '.worker.ts')),
          ...filesUnder('bench', '-child.ts'),
          ...['bench/finders.ts', 'bench/scan/main.ts'],
          'lab/convert/facefinder/face-api-node.ts',
        ],
    outbase: '.',
    outdir: 'dist',
    packages: 'external',
  });
  if (tests) return;
  await ensureFaceFinder(root);
  const page = [...rooms, 'web', 'package.json', 'scripts/web.js', 'scripts/build.js', 'weights'];
  await ensureWebBuilt(root, Math.max(...page.map((source) => newest(join(root, source)))));
}

/**
 * Builds the benchmark against other libraries, whose packages bench/peers/node_modules holds: its
 * programs lie beside it. TensorFlow.js' gradients are no package's entry point, so it is bundled.
 * Where the packages are not there, only what PyTorch needs is built.
 */
export async function ensurePeersBuilt() {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = 'bench/peers/node_modules/.package-lock.json';
  const names = existsSync(join(root, packages)) ? ['main', 'ort', 'tfjs'] : ['main'];
  const sources = [...rooms, 'bench', 'package.json', 'scripts/build.js', packages];
  await bundle('bench/peers/dist/.built', sources, {
    entryPoints: names.map((name) => `bench/peers/${name}.ts`),
    outdir: 'bench/peers/dist',
    external: ['onnxruntime-node', ...Object.keys(dependencies)],
    mainFields: ['module', 'main'],
    // Packages written for require, bundled into a module.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
}

/**
 * @param {string} stampName the file whose age is the build's
 * @param {string[]} sources
 * @param {import('esbuild').BuildOptions} options
 */
async function bundle(stampName, sources, options) {
  const stamp = join(root, stampName);
  const changed = Math.max(...sources.map((source) => newest(join(root, source))));
  if (newest(stamp) >= changed) return;
  const started = new Date();
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    loader: { '.wgsl': 'text' },
    plugins: [lanesPlugin],
    logLevel: 'warning',
    ...options,
  });
  // The stamp bears the time of the start: what changed during the build is built next time.
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // For a package: without tests, and without what earlier builds left.
  if (process.argv.includes('--clean'))
    rmSync(join(root, 'dist'), { recursive: true, force: true });
  await ensureBuilt();
  if (process.argv.includes('--tests')) await ensureBuilt({ tests: true });
}
