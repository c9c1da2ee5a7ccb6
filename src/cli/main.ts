/** The `llsm` command: its subcommands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import { LlsmError, messageOf, UsageError } from '../errors.ts';
import { version } from '../version.ts';
import * as bench from './bench.ts';
import * as calibrate from './calibrate.ts';
import * as data from './data.ts';
import * as demo from './demo.ts';
import * as detect from './detect.ts';
import * as evaluation from './eval.ts';
import * as exporting from './export.ts';
import * as forge from './forge.ts';
import * as importing from './import.ts';
import * as init from './init.ts';
import * as run from './run.ts';
import * as train from './train.ts';

/** One file a command, in the order of the help. */
const COMMANDS: { register(program: Command): void }[] = [
  demo,
  data,
  forge,
  init,
  importing,
  train,
  evaluation,
  calibrate,
  detect,
  run,
  exporting,
  bench,
];

function makeProgram(): Command {
  const program = new Command('llsm')
    .description('Face-forgery detection and localisation on WebGPU, in Node and the browser.')
    .version(version)
    .helpCommand(false)
    .showHelpAfterError('(--help lists what can be given)')
    .exitOverride()
    .addHelpText('after', '\nExit status: 0 done, 1 failed, 2 called wrongly.');
  for (const command of COMMANDS) command.register(program);
  return program;
}

/** Prints an error as its kind deserves. @returns the exit status */
function report(error: unknown): number {
  // Commander has printed its own errors, help and version already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LlsmError) {
    console.error(`llsm: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
  console.error(error instanceof Error ? error.stack : `thrown: ${messageOf(error)}`);
  console.error('This is a bug in llsm.');
  return 1;
}

/** Ends the process once all output is out; an open GPU would keep it alive. */
async function leave(status: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((written) => stream.write('', () => written()));
  }
  process.exit(status);
}

// Whoever read our output has gone (`| head`): stop quietly, with the status of a broken pipe.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 141 : 1);
  });
}
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error: unknown) => void leave(report(error)));
}

let status = 0;
try {
  await makeProgram().parseAsync(process.argv);
} catch (error) {
  status = report(error);
}
// A command may have set a status of its own, such as 130 after Ctrl-C.
await leave(status || Number(process.exitCode ?? 0));
