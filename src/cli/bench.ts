import type { Command } from 'commander';
import type { BenchOptions } from '../../bench/main.ts';
import { names, wholeNumber } from './arguments.ts';

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
    .option('--json', 'print the result as JSON')
    .action(async (options: BenchOptions & { cold?: boolean }) => {
      if (options.cold) {
        const { cold } = await import('../../bench/cold.ts');
        return cold(options);
      }
      const { bench } = await import('../../bench/main.ts');
      await bench(options);
    });
}
