/** A process as the one that looks at files, with stub verdicts; some files end it. */
import type { ToExaminer } from '../../node/scan/messages.ts';
import { Stub, stubIdentity } from './stub.ts';

/** Its settings: files that end it, and milliseconds that a file takes. */
export interface StubChildSettings {
  kills: string;
  delay: number;
}

const { kills, delay } = JSON.parse(process.argv[2]) as StubChildSettings;
const stub = new Stub({
  delay,
  before: ({ file }) => {
    if (kills && new RegExp(kills).test(file)) process.kill(process.pid, 'SIGSEGV');
  },
});
const answers = new Map<number, (wanted: boolean) => void>();
process.on('disconnect', () => process.exit(0));
process.on('message', async (message: ToExaminer) => {
  if ('stop' in message || 'kept' in message) return;
  const { id } = message;
  if (!('task' in message)) {
    answers.get(id)?.(message.wanted);
    return;
  }
  const line = await stub.examine(message.task, (hash, of) => {
    process.send?.({ id, hash, of });
    return new Promise((resolve) => answers.set(id, resolve));
  });
  process.send?.({ id, line });
});
const { parallel, threshold } = stub;
process.send?.({ ready: { adapter: `stub ${stubIdentity.settings}`, parallel, threshold } });
