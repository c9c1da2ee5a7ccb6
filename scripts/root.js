/** What set-up does as root: said first, agreed to, then done. */
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline/promises';

/** A machine that cannot be set up; its message says why and what to do. */
export class SetupError extends Error {}

/**
 * Whoever runs the set-up.
 * @typedef {object} Person
 * @property {boolean} isRoot
 * @property {((question: string) => Promise<string>) | null} ask null: there is no terminal
 */

/** @param {string} question */
async function askOnTerminal(question) {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await lines.question(question);
  lines.close();
  return answer;
}

/** @returns {Person} */
const thisPerson = () => ({
  isRoot: process.getuid?.() === 0,
  ask: process.stdin.isTTY && process.stdout.isTTY ? askOnTerminal : null,
});

/**
 * What a command prints, in English; '' where there is no such command.
 * @param {readonly string[]} command
 */
export function output([program, ...args]) {
  const env = { ...process.env, LC_ALL: 'C' };
  return spawnSync(program, args, { encoding: 'utf8', env }).stdout ?? '';
}

/** @param {string[]} packages what comes after `install` */
export const installCommand = (...packages) => [
  ...['apt-get', 'install', '--yes', '--no-install-recommends'],
  ...packages,
];

/**
 * Says what is to be done and why, and asks on a terminal; without one, only root goes ahead.
 * @param {string} why a line that ends in a colon
 * @param {readonly string[]} steps
 * @param {string} shell the same for a root shell
 * @param {Person} person
 * @returns {Promise<string[]>} what commands are to begin with: nothing, or sudo
 * @throws SetupError where it is not to be done
 */
export async function agree(why, steps, shell, { isRoot, ask } = thisPerson()) {
  console.log(why);
  console.log(steps.map((line) => `  ${line}`).join('\n'));
  /** @param {string} reason @returns {never} */
  const refuse = (reason) => {
    throw new SetupError(`${reason} Run as root, then try again:\n\n${shell}`);
  };
  if (process.env.LLSM_SETUP === 'never') refuse('LLSM_SETUP=never: nothing was installed.');
  if (!ask) {
    if (!isRoot) refuse('Nothing was installed: not root, and no terminal to ask on.');
    return [];
  }
  if (!isRoot && !output(['sh', '-c', 'command -v sudo'])) {
    refuse('Nothing was installed: not root, and there is no sudo.');
  }
  const answer = await ask(`Do it now${isRoot ? '' : ' with sudo'}? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) refuse('Nothing was installed.');
  return isRoot ? [] : ['sudo'];
}

/**
 * Runs a command whose output is shown.
 * @param {readonly string[]} sudo what `agree` gave
 * @param {readonly string[]} command
 * @returns {boolean} whether it succeeded
 */
export function runAsRoot(sudo, command) {
  const [program, ...args] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command];
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
}
