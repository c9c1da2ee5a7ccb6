/** A command of llsm as a step of a script. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './root.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs it and waits for its end; what it prints is seen.
 * @param {string[]} args
 * @throws SetupError where it fails
 */
export function runLlsm(...args) {
  console.error(`\n> llsm ${args.join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, [join(root, 'bin/llsm.js'), ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new SetupError(
      `llsm ${args[0]} ended with ${signal ?? status}. Run the same command again to continue.`,
    );
  }
}
