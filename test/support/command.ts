/** The command line as a user calls it, in a process of its own. Tests run in the root folder. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

// Not from import.meta.url: the bundler may put this module into a chunk in another folder.
export const main = resolve('bin', 'llsm.js');

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/**
 * @param environment variables to set besides those of this process
 * @param options for Node
 */
export function llsm(
  args: readonly string[],
  environment: Record<string, string> = {},
  options: readonly string[] = [],
): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { status, stdout, stderr };
}
