import type { Command } from 'commander';
import type { BenchOptions } from '../../bench/main.ts';
import { UsageError } from '../errors.ts';
import { names, wholeNumber } from './arguments.ts';

/** What is measured in place of operations and networks. */
interface Instead {
  cold?: boolean;
  scaling?: boolean;
  plot?: string;
  tune?: boolean;
  config?: string;
}

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
    .option('--cold', 'instead: the parts of a first verdict, from the start of a process')
    .option('--scaling', 'instead: how the cost grows with batch, positions and size')
    .option('--plot <file>', 'with --scaling: draw it as an SVG file')
    .option(
      '--tune',
      'instead: measure every form of the convolutions and keep the best for this adapter, which ' +
        'later commands then use (their last digits may change); --only names shapes',
    )
    .option('--config <config>', 'with --tune: the network, a preset or a JSON file (paper)')
    .option('--json', 'print the result as JSON')
    .action(async (options: BenchOptions & Instead) => {
      if (options.cold) {
        const { cold } = await import('../../bench/cold.ts');
        return cold(options);
      }
      if (options.scaling) {
        const { scaling } = await import('../../bench/scaling.ts');
        return scaling(options);
      }
      if (options.config && !options.tune) {
        throw new UsageError('--config goes with --tune: the other figures are of fixed networks');
      }
      if (options.tune) {
        const { tune } = await import('../../bench/tune.ts');
        return tune(options);
      }
      const { bench } = await import('../../bench/main.ts');
      await bench(options);
    });
}
