/** Programs of the system that some tests need; where one is missing they are skipped and say so. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { agree, installCommand, runAsRoot, SetupError } from './root.js';

/**
 * @typedef {object} Tool
 * @property {string} program as it is called
 * @property {string} apt the package of Debian and Ubuntu that has it
 * @property {string} purpose what it is for
 */

/** @type {readonly Tool[]} */
export const tools = [
  { program: 'ffmpeg', apt: 'ffmpeg', purpose: 'reads the frames of videos' },
  { program: 'chromium', apt: 'chromium', purpose: 'runs the page' },
  { program: 'firefox-esr', apt: 'firefox-esr', purpose: 'runs the page in another engine' },
  { program: 'redis-server', apt: 'redis-server', purpose: 'carries the queue of a scan' },
  { program: 'prlimit', apt: 'util-linux', purpose: "fills a disk under the queue's Redis" },
];

/**
 * Where PATH has the program; undefined where it has not.
 * @param {string} program
 */
export function pathOf(program) {
  const name = process.platform === 'win32' ? `${program}.exe` : program;
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * Whether PATH has the program.
 * @param {string} program
 */
export const hasProgram = (program) => pathOf(program) !== undefined;

/**
 * Why the tests of a tool are skipped.
 * @param {Tool} tool
 */
export const missingText = ({ program, apt, purpose }) =>
  `${program}, which ${purpose}, is not installed (on Debian and Ubuntu: apt install ${apt})`;

/**
 * Installs the missing tools with apt where there is one, as Mesa is: explained and asked for. It
 * fails in nothing: what is missing afterwards is named, and its tests are skipped.
 * @param {readonly Tool[]} wanted
 * @param {import('./root.js').Person} [person]
 */
export async function ensureTools(wanted = tools, person = undefined) {
  const missing = wanted.filter(({ program }) => !hasProgram(program));
  if (missing.length === 0) return;
  if (hasProgram('apt-get')) {
    const commands = [
      ['apt-get', 'update'],
      installCommand(...new Set(missing.map(({ apt }) => apt))),
    ];
    const lines = commands.map((command) => command.join(' '));
    const why = missing.map(({ program, purpose }) => `${program} (${purpose})`).join(', ');
    try {
      const sudo = await agree(
        `For all tests to run, this is missing: ${why}:`,
        lines,
        lines.join('\n'),
        person,
      );
      for (const command of commands) {
        if (!runAsRoot(sudo, command)) console.log(`This failed: ${command.join(' ')}`);
      }
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.log(error.message);
    }
  }
  for (const tool of missing) {
    if (!hasProgram(tool.program)) console.log(`${missingText(tool)}: its tests are skipped.`);
  }
}
