// Bundles the commands, the benchmark and the tests into dist/ (esbuild; packages stay external).

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function filesUnder(folder, suffix) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));
}

/** Builds what is older than its sources. An installed package has dist/ and no src/. */
export async function ensureBuilt({ tests = false } = {}) {
  if (!existsSync(join(root, 'src'))) return;
  const stamp = join(root, tests ? 'dist/test/.built' : 'dist/.built');
  const sources = ['src', 'bench', 'package.json', 'scripts/build.js', ...(tests ? ['test'] : [])];
  const changed = Math.max(...sources.map((source) => newest(join(root, source))));
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= changed) return;
  const entryPoints = tests
    ? filesUnder('test', '.test.ts')
    : ['src/cli/main.ts', ...filesUnder('bench', '.ts'), ...filesUnder('src', '.worker.ts')];
  await build({
    absWorkingDir: root,
    entryPoints,
    outbase: '.',
    outdir: 'dist',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    loader: { '.wgsl': 'text' },
    logLevel: 'warning',
  });
  const { mkdirSync, writeFileSync } = await import('node:fs');
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ensureBuilt();
  await ensureBuilt({ tests: process.argv.includes('--tests') });
}
