import { type Command, Option } from 'commander';
import type { BenchOptions } from '../bench/main.ts';
import { UsageError } from '../src/base/errors.ts';
import { names, wholeNumber } from './arguments.ts';

/** What is measured in place of operations and networks. */
interface Instead {
  cold?: boolean;
  scaling?: boolean;
  plot?: string;
  tune?: boolean;
  config?: string;
}

/** What only the rows of operations and networks know. */
const ofRows = ['toggles', 'plain'];

export function register(program: Command): void {
  program
    .command('bench')
    .description(
      "Times every operation at the network's own shapes, the whole network and a training step, " +
        'beside ceilings measured in the same run.',
    )
    .option('--quick', 'fewer samples and no long case: under a minute')
    .option('--only <pattern>', 'rows whose name matches this regular expression')
    .option('--batch <n>', 'images a run, for every case', wholeNumber(1, 4096))
    .option(
      '--toggles <names>',
      "Dawn's toggles, with commas between, -name to disable; Dawn ignores unknown names",
      names,
    )
    .option('--plain', 'also the portable kernels, beside those chosen for this adapter')
    .addOption(
      new Option(
        '--cold',
        'instead: the parts of a first verdict, from the start of a process',
      ).conflicts(['scaling', 'tune', ...ofRows, 'batch', 'only']),
    )
    .addOption(
      new Option(
        '--scaling',
        'instead: how the cost grows with batch, positions and size',
      ).conflicts(['tune', ...ofRows, 'batch', 'only']),
    )
    .option('--plot <file>', 'with --scaling: draw it as an SVG file')
    .addOption(
      new Option(
        '--tune',
        'instead: measure every form of the convolutions and keep the best for this adapter, which ' +
          'later commands then use (their last digits may change); --only names shapes',
      ).conflicts(ofRows),
    )
    .option('--config <preset|file>', 'with --tune: the network (default: paper)')
    .option('--json', 'print the result as JSON')
    .action(async (options: BenchOptions & Instead) => {
      if (options.plot && !options.scaling) {
        throw new UsageError('--plot goes with --scaling: the other figures are lines of text');
      }
      if (options.config && !options.tune) {
        throw new UsageError('--config goes with --tune: the other figures are of fixed networks');
      }
      if (options.cold) {
        const { cold } = await import('../bench/cold.ts');
        return cold(options);
      }
      if (options.scaling) {
        const { scaling } = await import('../bench/scaling.ts');
        return scaling(options);
      }
      if (options.tune) {
        const { tune } = await import('../bench/tune.ts');
        return tune(options);
      }
      const { bench } = await import('../bench/main.ts');
      await bench(options);
    });
}
