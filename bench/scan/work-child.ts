/** A worker of a queue with stub verdicts, in a process of its own that can be killed. */

import type { ScanIdentity } from '../../node/scan/line.ts';
import { Connection } from '../../node/scan/queue/connect.ts';
import { QueueWorker } from '../../node/scan/queue/work.ts';
import { Stub } from './stub.ts';

export interface WorkChildSettings {
  url: string;
  identity: ScanIdentity;
  /** Milliseconds that a file takes. */
  delay: number;
  /** As of `QueueWorker`, in seconds. */
  lock: number;
  concurrency?: number;
  /** Workers in this process (default 1). */
  crew?: number;
  parallel?: number;
}

/** What it can be told: to set its clock forward by so many milliseconds. */
export interface Jump {
  jump: number;
}

const settings = JSON.parse(process.argv[2]) as WorkChildSettings;
const { url, identity, delay, lock, concurrency, parallel, crew = 1 } = settings;

const now = Date.now.bind(Date);
let ahead = 0;
Date.now = () => now() + ahead;
process.on('message', ({ jump }: Jump) => {
  ahead += jump;
});
process.on('disconnect', () => process.exit(0));

/** Bytes are the file's name: nothing is read. */
class Named extends Stub {
  override async examine(...given: Parameters<Stub['examine']>): ReturnType<Stub['examine']> {
    const line = await super.examine(...given);
    return line && { ...line, ...identity };
  }
}

async function open(): Promise<Connection> {
  for (;;) {
    try {
      return await Connection.open(url, identity, true);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const workers: QueueWorker[] = [];
for (let i = 0; i < crew; i++) {
  const stub = new Named({ delay, parallel, bytesOf: (file) => file });
  workers.push(new QueueWorker(await open(), stub, { lock, concurrency, pause: 10 }));
}
process.send?.('ready');
process.on('SIGTERM', () => {
  Promise.all(workers.map((worker) => worker.close())).then(() => process.exit(0));
});
