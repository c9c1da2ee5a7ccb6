#!/usr/bin/env node
// `npm run bench:peers`: installs the other libraries here, builds, and measures.
import { fileURLToPath } from 'node:url';
import { ensurePeersBuilt } from '../../scripts/build.js';
import { ensureAdapter, ensurePackages, SetupError } from '../../scripts/setup.js';

try {
  ensurePackages();
  // Their install scripts fetch what is not needed here (CUDA's libraries): they are not run.
  ensurePackages(fileURLToPath(new URL('.', import.meta.url)), ['--ignore-scripts']);
  await ensureAdapter();
  await ensurePeersBuilt();
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exit(1);
}
await import(new URL('dist/main.js', import.meta.url).href);
