/** A collector that goes on until it is told to end, on a disk that is full now and then. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Ledger } from '../../node/scan/ledger.ts';
import type { ScanIdentity } from '../../node/scan/line.ts';
import { collect } from '../../node/scan/queue/collect.ts';
import { Connection } from '../../node/scan/queue/connect.ts';

export interface CollectChildSettings {
  url: string;
  identity: ScanIdentity;
  out: string;
}

/** It says so where the disk was full; how many lines there are, and the bytes of its memory. */
export type CollectChildMessage = { full: true } | { files: number; memory: number };

const { url, identity, out } = JSON.parse(process.argv[2]) as CollectChildSettings;
const say = (message: CollectChildMessage) => process.send?.(message);

let full = false;
const { writeSync } = fs;
fs.writeSync = ((file: number, bytes: Buffer, at: number, length: number, place: number) => {
  // The lock's file is written as text.
  if (!full || typeof bytes === 'string') return writeSync(file, bytes, at, length, place);
  full = false;
  writeSync(file, bytes, at, length >> 1, place);
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}) as unknown as typeof writeSync;
syncBuiltinESMExports();

let ending = false;
process.on('message', (message: 'full' | 'end') => {
  if (message === 'full') full = true;
  else ending = true;
});
process.on('disconnect', () => process.exit(0));

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
for (;;) {
  let ledger: Ledger | undefined;
  let connection: Connection | undefined;
  try {
    connection = await Connection.open(url, identity, true);
    ledger = Ledger.open(out, identity);
    const opened = ledger;
    const onProgress = () => say({ files: opened.files, memory: process.memoryUsage.rss() });
    while (!ending) {
      await collect(connection, ledger, { onProgress });
      onProgress();
      await pause(100);
    }
    while (!(await collect(connection, ledger)).empty) await pause(100);
    ledger.close();
    const memory = process.memoryUsage.rss();
    process.send?.({ files: ledger.files, memory }, () => process.exit(0));
    break;
  } catch (error) {
    if (/no space left/.test(String(error))) say({ full: true });
    try {
      ledger?.close();
    } catch {
      // It is opened again.
    }
    await connection?.close();
    await pause(200);
  }
}
