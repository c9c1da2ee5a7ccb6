/** The `llsm` command: its subcommands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import { LlsmError, messageOf, PassingError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';

/** Exit status of what is worth trying again (`EX_TEMPFAIL` of sysexits.h). */
const tryAgain = 75;

/** One file a command, in the order of the help. Only the one that is called is loaded. */
const COMMANDS: Record<string, () => Promise<{ register(program: Command): void }>> = {
  demo: () => import('./demo.ts'),
  data: () => import('./data.ts'),
  forge: () => import('./forge.ts'),
  init: () => import('./init.ts'),
  import: () => import('./import.ts'),
  train: () => import('./train.ts'),
  autoencoder: () => import('./autoencoder.ts'),
  eval: () => import('./eval.ts'),
  calibrate: () => import('./calibrate.ts'),
  table: () => import('./table.ts'),
  detect: () => import('./detect.ts'),
  scan: () => import('./scan.ts'),
  run: () => import('./run.ts'),
  export: () => import('./export.ts'),
  bench: () => import('./bench.ts'),
  serve: () => import('./serve.ts'),
};

/** @param called the first word behind `llsm`; where it is no command, the help needs them all */
async function makeProgram(called = ''): Promise<Command> {
  const program = new Command('llsm')
    .description('Face-forgery detection and localisation on WebGPU, in Node and the browser.')
    .version(version)
    .helpCommand(false)
    // A command's commands may have options of the same names as it has.
    .enablePositionalOptions()
    .showHelpAfterError('(--help lists what can be given)')
    .exitOverride()
    .addHelpText('after', '\nExit status: 0 done, 1 failed, 2 called wrongly.');
  const wanted = Object.hasOwn(COMMANDS, called) ? [called] : Object.keys(COMMANDS);
  const commands = await Promise.all(wanted.map((name) => COMMANDS[name]()));
  for (const command of commands) command.register(program);
  return program;
}

/** Prints an error as its kind deserves. @returns the exit status */
function report(error: unknown): number {
  // Commander has printed its own errors, help and version already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LlsmError) {
    console.error(`llsm: ${error.message}`);
    if (error instanceof PassingError) return tryAgain;
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
  const program = await makeProgram(process.argv[2]);
  await program.parseAsync(process.argv);
} catch (error) {
  status = report(error);
}
// A command may have set a status of its own, such as 130 after Ctrl-C.
await leave(status || Number(process.exitCode ?? 0));
