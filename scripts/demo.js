/**
 * `npm run demo`: sets the machine up (packages, a WebGPU adapter), then runs `llsm demo` with the
 * options given after `--`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAdapter, ensurePackages, SetupError } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  ensurePackages();
  const { name, software } = await ensureAdapter();
  console.error(`WebGPU adapter: ${name}${software ? ' (software: right, but slow)' : ''}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}

// Ctrl-C reaches the child as well, which saves what is done; this process waits for it.
process.on('SIGINT', () => {});
const { status, error } = spawnSync(
  process.execPath,
  [join(root, 'bin/llsm.js'), 'demo', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
if (error) throw error;
process.exitCode = status ?? 1;
