import { type Command, Option } from 'commander';
import type { BenchOptions } from '../bench/main.ts';
import type { ProfileOptions } from '../bench/profile.ts';
import { UsageError } from '../src/base/errors.ts';
import { names, wholeNumber } from './arguments.ts';

/** What is measured in place of operations and networks. */
interface Instead {
  cold?: boolean;
  scaling?: boolean;
  plot?: string;
  tune?: boolean;
  profile?: ProfileOptions['of'];
  config?: string;
  precision?: ProfileOptions['precision'];
}

/** What does not go with a measurement of another kind. */
const toggled = ['toggles'];
const ofRows = [...toggled, 'plain'];

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
      ).conflicts(['scaling', 'tune', 'profile', ...ofRows, 'batch', 'only']),
    )
    .addOption(
      new Option(
        '--scaling',
        'instead: how the cost grows with batch, positions and size',
      ).conflicts(['tune', 'profile', ...ofRows, 'batch', 'only']),
    )
    .option('--plot <file>', 'with --scaling: draw it as an SVG file')
    .addOption(
      new Option(
        '--tune',
        'instead: measure every form of the convolutions and keep the best for this adapter, which ' +
          'later commands then use (their last digits may change); --only names shapes',
      ).conflicts(['profile', 'plain']),
    )
    .addOption(
      new Option(
        '--profile [of]',
        'instead: where the time of a training step (or an inference) goes, kernel by kernel',
      )
        .choices(['step', 'inference'])
        .preset('step')
        .conflicts(['plain', 'only']),
    )
    .addOption(
      new Option(
        '--precision <type>',
        'with --profile: how feature maps are stored (default: of the config)',
      ).choices(['f32', 'f16']),
    )
    .option('--config <preset|file>', 'with --tune or --profile: the network (default: paper)')
    .option('--json', 'print the result as JSON')
    .action(async (options: BenchOptions & Instead) => {
      if (options.plot && !options.scaling) {
        throw new UsageError('--plot goes with --scaling: the other figures are lines of text');
      }
      if (options.config && !options.tune && !options.profile) {
        throw new UsageError(
          '--config goes with --tune and --profile: the other figures are of fixed networks',
        );
      }
      if (options.precision && !options.profile) {
        throw new UsageError(
          '--precision goes with --profile: the other figures have rows for both',
        );
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
      if (options.profile) {
        const { profile } = await import('../bench/profile.ts');
        return profile({ ...options, of: options.profile });
      }
      const { bench } = await import('../bench/main.ts');
      await bench(options);
    });
}
