/** Programs of the system that tests need: `scripts/tools.js` lists them and brings them. */
import { hasProgram, missingText, tools } from '../../scripts/tools.js';
import { skip } from './run.ts';

/**
 * Leaves the test as skipped where the program is not installed.
 * @param program of the list in scripts/tools.js
 */
export function needTool(program: string): void {
  const tool = tools.find((one) => one.program === program);
  if (!tool) throw new Error(`scripts/tools.js does not list ${program}`);
  if (!hasProgram(program)) skip(missingText(tool));
}
