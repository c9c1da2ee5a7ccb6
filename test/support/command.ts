/** The command line as a user calls it, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// From dist/test/cli/NAME.test.js.
const main = fileURLToPath(new URL('../../../bin/llsm.js', import.meta.url));

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** @param environment variables to set besides those of this process */
export function llsm(args: readonly string[], environment: Record<string, string> = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { status, stdout, stderr };
}
