import { type Command, Option } from 'commander';
import { parseGiven, readTableData } from '../lab/tables/data.ts';
import { layOut } from '../lab/tables/grid.ts';
import { planInWords, planTable } from '../lab/tables/plan.ts';
import { loadDataSets, loadProtocol } from '../lab/tables/protocol.ts';
import { tableResult, writeTable } from '../lab/tables/result.ts';
import { runTable } from '../lab/tables/run.ts';
import { tableMarkdown, tableText } from '../lab/tables/text.ts';
import { loadConfig } from '../node/files/config.ts';
import { sha256Of } from '../node/system/sha256.ts';
import { makeFolder } from '../node/system/write-file.ts';
import { UsageError } from '../src/base/errors.ts';
import { type VideoRule, videoRules } from '../src/detect/pooling.ts';
import { collect, seeds, wholeNumber } from './arguments.ts';
import { listenForInterrupt } from './interrupt.ts';

interface Options {
  data?: string[];
  also?: string[];
  config: string;
  set?: string[];
  seeds?: number[];
  init?: string;
  runs: string;
  out?: string;
  plan?: true;
  valFaces: number;
  videoScore: VideoRule;
  batch: number;
  workers?: number;
  saveEvery?: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('table <name>')
    .description(
      "The paper's tables: trains and tests what is missing, and prints the paper's values with " +
        'ours beside them. <name> is I, II, III or IV; mini/ablation and others of protocols/mini, which ' +
        'small machines can do; or the file of a protocol like those. Run again, it continues, and uses again what is done.',
    )
    .option(
      '--data <set...>',
      'folders with a manifest.jsonl that say what they are; NAME=FOLDER for what is to be taken as ' +
        'ffpp-c23, ffpp-c40, celebdf or dfd, or in mini/ as forged-a or forged-b; or a JSON file of such names and folders',
    )
    .option('--also <name=folder...>', 'further sets to test on, a column each')
    .option('--config <preset|file>', 'what is not part of the comparison: size, training', 'paper')
    .option('--set <key=value>', 'one value of the config; repeatable', collect)
    .option(
      '--seeds <list>',
      "train each row once a seed, such as 1,2,3; the protocol's else",
      seeds,
    )
    .option('--init <file>', 'begin from these weights, as the paper does from ImageNet')
    .option('--runs <dir>', 'where trainings and tests are kept, for all tables', 'runs/tables')
    .option('--out <dir>', 'for table.json and table.md')
    .option('--plan', 'print what would be done and how long a step takes, and stop')
    .option('--val-faces <n>', 'faces to validate on, evenly chosen', wholeNumber(1), 2000)
    .addOption(
      new Option('--video-score <rule>', "how a video's probability comes from its faces'")
        .choices(Object.keys(videoRules))
        .default('mean'),
    )
    .option('--batch <n>', 'faces in one run of a tested network', wholeNumber(1, 1024), 8)
    .option('--workers <n>', 'threads that decode faces in training', wholeNumber(0, 64))
    .option(
      '--save-every <n>',
      'steps between two saves (default: train.iterations)',
      wholeNumber(1),
    )
    .option('--json', 'print table.json, or the plan, as JSON')
    .action(run);
}

const say = (line: string): void => console.error(line);

const openGpu = async () => (await import('./gpu.ts')).openGpu();

async function run(name: string, options: Options): Promise<void> {
  const { runs, out, json } = options;
  if (options.plan && out !== undefined) throw new UsageError('--plan goes without --out');
  const dataSets = loadDataSets();
  const found = loadProtocol(name, dataSets);
  const protocol = { ...found, seeds: options.seeds ?? found.seeds };
  const base = loadConfig(options.config, options.set, protocol.base);
  const given = parseGiven(options.data ?? [], options.also ?? [], dataSets);
  const grid = layOut({
    ...{ protocol, dataSets, base },
    data: readTableData(given, dataSets),
    also: [...given.also.keys()],
    init: options.init === undefined ? null : sha256Of(options.init),
    validated: options.valFaces,
  });
  const testing = { runs, openGpu, videoRule: options.videoScore };
  if (options.plan) {
    const plan = await planTable(grid, testing);
    return console.log(json ? JSON.stringify(plan) : planInWords(plan));
  }
  if (out !== undefined) makeFolder(out);
  const { init, batch, workers, saveEvery } = options;
  const interrupt = listenForInterrupt();
  const outcome = await runTable(grid, {
    ...testing,
    ...{ init, batch, workers, saveEvery, say },
    stop: interrupt.seen,
  }).finally(interrupt.close);
  const result = tableResult(grid, outcome, testing);
  if (out !== undefined) writeTable(out, result, tableMarkdown(result));
  if (json) console.log(JSON.stringify(result));
  else process.stdout.write(tableText(result));
  if (outcome.stopped) {
    say(`Stopped and saved in ${runs}: the same command continues`);
    process.exitCode = 130;
  } else if (outcome.failed.size > 0) process.exitCode = 1;
}
