import { cpus, release, type } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { writeFileWhole } from '../node/system/write-file.ts';
import { positiveNumber, wholeNumber } from './arguments.ts';
import { countFaces, fewestPeople, makeDemoForgeries, makeDemoPeople } from './demo/data.ts';
import { openDemo, saveDemo, targetAuc } from './demo/folder.ts';
import { commandOf, type DemoResult, demoReport, whyStopped } from './demo/words.ts';
import { listenForInterrupt } from './interrupt.ts';

interface Options {
  out?: string;
  minutes: number;
  people: number;
  seed: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('demo')
    .description(
      'The whole chain with nothing given: draws people, makes forgeries of them, trains a small ' +
        'network, tests it on people that it has not seen, and writes a report. Run again, it ' +
        'continues.',
    )
    .option('--out <dir>', 'a new folder, or the one of a demo to continue (default: runs/demo-…)')
    .option('--minutes <m>', 'the longest that training may take', positiveNumber, 5)
    .option('--people <n>', 'how many people', wholeNumber(fewestPeople, 5000), 120)
    .option('--seed <n>', 'of everything drawn', wholeNumber(0, 0xffffffff), 0)
    .option('--json', 'print the result as JSON')
    .action(run);
}

const today = (): string => {
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};

const say = (line: string): void => console.error(line);

async function run(options: Options): Promise<void> {
  const { minutes, people, seed } = options;
  const out = options.out ?? join('runs', `demo-${today()}`);
  const demo = openDemo(out, { people, seed });
  const seconds: [string, number][] = [];
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    say(`${seconds.length + 1} of 4: ${stage}`);
    const started = performance.now();
    const result = await work();
    seconds.push([stage, (performance.now() - started) / 1000]);
    return result;
  };

  const portraits = await timed('drawing people', () => makeDemoPeople(out, people, seed));
  const set = await timed('making forgeries', () => makeDemoForgeries(out, portraits, seed));

  const { readManifest } = await import('../node/files/manifest.ts');
  const { openGpu } = await import('./gpu.ts');
  const { trainDemo } = await import('./demo/train.ts');
  const { testDemo } = await import('./demo/test.ts');
  const items = readManifest(set);
  const gpu = await openGpu();
  const runFolder = join(out, 'run');
  const before = demo.training;
  const ended =
    before !== undefined &&
    before.stopped !== 'interrupted' &&
    (before.stopped !== 'minutes' || before.seconds >= 60 * minutes);
  const training = await timed('training', async () => {
    if (ended) return before;
    const interrupt = listenForInterrupt();
    const { training: now } = await trainDemo({
      ...{ gpu, items, run: runFolder, minutes, seed, before, say },
      stop: interrupt.seen,
    }).finally(interrupt.close);
    saveDemo(out, { ...demo, training: now });
    return now;
  });
  if (training.stopped === 'interrupted') {
    say(`Stopped and saved in ${out}. To continue: ${commandOf({ minutes, people, seed, out })}`);
    process.exitCode = 130;
    return;
  }
  const tested = await timed('testing on people not seen', () =>
    testDemo({ gpu, out, run: runFolder, set, items, seed, say }),
  );
  writeFileWhole(join(out, 'sheet.png'), [tested.sheet]);

  const { curvesForHtml } = await import('../src/measure/report/curves.ts');
  const { readMetrics } = await import('../node/measure/curves.ts');
  const { reportHtml } = await import('../src/measure/report/report.ts');
  const { listParams } = await import('../src/model/llsm/params.ts');
  const result: DemoResult = {
    ...{ people, minutes, seed, training, seconds, ...tested },
    counts: countFaces(items),
    curves: curvesForHtml(readMetrics(runFolder), { target: targetAuc }),
    parameters: listParams(tested.record.config)
      .filter(({ kind }) => kind !== 'state')
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${type()} ${release()}, Node ${process.versions.node}`,
    out: relative('.', resolve(out)).replaceAll('\\', '/') || '.',
  };
  const report = join(out, 'report.html');
  writeFileWhole(report, [reportHtml(demoReport(result))]);
  print(options, result, report);
}

function print({ json }: Options, result: DemoResult, report: string): void {
  const { training, record, seconds, out } = result;
  const [all] = record.faces;
  const [masks] = record.masks;
  const [pairs] = record.pairs;
  if (json) {
    const { faces, masks: where, pairs: together, threshold } = record;
    const stages = Object.fromEntries(seconds);
    console.log(
      JSON.stringify({ out, report, training, seconds: stages, threshold, faces, where, together }),
    );
    return;
  }
  console.log(whyStopped(result));
  const [low, high] = all.aucInterval.map((value) => value.toFixed(3));
  console.log(
    `Test on ${record.data.faces} faces of people never seen: AUC ${all.auc.toFixed(3)} ` +
      `(95 %: ${low} to ${high}), accuracy ${all.accuracy.toFixed(3)}, EER ${all.eer.toFixed(3)}`,
  );
  const compared = (name: string, figure: { value: number; constant?: number }) =>
    console.log(
      `${name} ${figure.value.toFixed(3)}` +
        (figure.constant === undefined
          ? ''
          : `; a constant predictor's ${figure.constant.toFixed(3)}`),
    );
  if (masks) compared('Mask IoU', masks.iou);
  if (pairs) compared('LSM pair AUC', pairs.auc);
  const total = seconds.reduce((sum, [, s]) => sum + s, 0);
  console.log(`It took ${(total / 60).toFixed(1)} minutes. Open the report: ${report}`);
}
