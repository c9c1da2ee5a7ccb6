// One test file: run in a process of its own, and judged.
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string} problem what went wrong besides single tests, '' if nothing did
 * @property {string} output
 */

/** What test/support/run.ts prints last. */
const summary = /llsm-test (\{[^}]*\})\n?(?![\s\S]*llsm-test \{)/;

/**
 * Judges a file by its own count and by how its process ended.
 * @param {{ code: number | null, signal: string | null, late: boolean, output: string }} end
 * @param {number} limit seconds
 * @returns {Outcome}
 */
export function judge({ code, signal, late, output }, limit) {
  const line = summary.exec(output);
  const counts = { passed: 0, failed: 0, skipped: 0, ...(line ? JSON.parse(line[1]) : {}) };
  const how = signal ? `it was ended by ${signal}` : `it ended with status ${code}`;
  let problem = '';
  if (late) problem = `it took longer than ${limit} s (LLSM_TEST_TIMEOUT)`;
  else if (!line) problem = `${how} before its tests were done`;
  else if (counts.passed + counts.failed + counts.skipped === 0) problem = 'it has no test';
  else if (counts.failed === 0 && code !== 0) problem = `${how} after its tests`;
  if (problem) counts.failed++;
  return { ...counts, problem, output: output.replace(summary, '') };
}

/** @type {(() => void) | null} */
let endRunning = null;

/** Ends the test file that is running now, and all that it started. */
export const endRunningFile = () => endRunning?.();

/**
 * @param {string} built the bundled test file
 * @param {number} limit seconds
 * @returns {Promise<Outcome>}
 */
export function runFile(built, limit) {
  const { FORCE_COLOR: _, ...env } = process.env;
  // A group of its own, so that what a test starts ends with it.
  const grouped = process.platform !== 'win32';
  const child = spawn(process.execPath, ['--enable-source-maps', built], {
    detached: grouped,
    env: { ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => {
    try {
      if (grouped && child.pid) process.kill(-child.pid, 'SIGKILL');
      else child.kill('SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  endRunning = end;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limit * 1000);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // What it left running may hold its output open, so that 'close' would never come.
    let sweep = timer;
    child.on('exit', () => {
      clearTimeout(timer);
      sweep = setTimeout(end, 500);
    });
    child.on('close', (code, signal) => {
      clearTimeout(sweep);
      endRunning = null;
      resolve(judge({ code, signal, late, output }, limit));
    });
  });
}
