/** `node bench/scan/start.js COMMAND`: measures and tries the scan of archives. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/base/errors.ts';
import { chaos } from './chaos.ts';

const programs = join(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => console.error(line);

async function runChaos(folder: string): Promise<void> {
  const result = await chaos({
    ...{ folder, programs, say },
    faults: { worker: 200, redis: 20, network: 20, disk: 20, clock: 20, collector: 10 },
  });
  console.table(result.faults);
  const { faults: _, ...rest } = result;
  console.table(rest);
  if (rest.missing > 0 || rest.doubled > 0) process.exitCode = 1;
}

const commands: Record<string, (folder: string) => Promise<void>> = { chaos: runChaos };

const [name = ''] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  throw new UsageError(`name one of: ${Object.keys(commands).join(', ')}`);
}
const folder = mkdtempSync(join(tmpdir(), 'llsm-scan-'));
try {
  await commands[name](folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
