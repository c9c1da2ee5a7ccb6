import { loadConfig } from '../node/files/config.ts';
import { openNodeGpu } from '../node/gpu/open.ts';
import { writeTuned } from '../node/gpu/tuned.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import type { Config } from '../src/config/config.ts';
import { describeGpu, type Gpu } from '../src/gpu/device.ts';
import { Graph, type Launch } from '../src/graph/record.ts';
import { Plan } from '../src/graph/replay.ts';
import { ParamStore } from '../src/graph/store.ts';
import { Tensor } from '../src/graph/tensor.ts';
import { menuVersion } from '../src/kernels/conv/version.ts';
import { forward } from '../src/model/llsm/forward.ts';
import { listParams } from '../src/model/llsm/params.ts';
import { recordStep } from '../src/model/llsm/step.ts';
import { type AlternateEffort, alternate, type Contestant } from './alternate.ts';
import { pattern } from './main.ts';
import { valuesFor } from './prepare.ts';
import { inOneSubmit, sample } from './time.ts';

export interface TuneOptions {
  /** A preset or a file: the network whose shapes are measured (default `paper`). */
  config?: string;
  /** Images of a training step, and of one of the two inferences (the other is of one). */
  batch?: number;
  quick?: boolean;
  /** Dawn's toggles, `name` to enable or `-name` to disable. */
  toggles?: readonly string[];
  /** A regular expression that a shape's key must match. */
  only?: string;
  json?: boolean;
}

/** One shape, and how its forms did. */
interface TuneRow {
  key: string;
  shipped: string;
  best: string;
  forms: TuneForm[];
}

interface TuneForm {
  name: string;
  milliseconds: number;
  /** The shipped form's time over its own in the same round: median, and least. */
  gain: number;
  leastGain: number;
}

/**
 * A form must gain so much in the median, and something in every round, to be taken: less, or on a
 * machine that is busy with other work, and another run might say otherwise.
 */
const leastGain = 1.03;

/**
 * Measures every form of every product at a network's shapes, in alternation, and keeps the best in
 * the cache that commands read at their start. Prints a line a shape.
 * @throws UsageError when `only` matches no shape; LlsmError when the GPU fails or the cache cannot
 *   be written
 */
export async function tune(options: TuneOptions): Promise<void> {
  const matches = pattern(options.only);
  const config = loadConfig(options.config ?? 'paper');
  const gpu = await openNodeGpu(options.toggles);
  console.error(describeGpu(gpu));
  const effort: AlternateEffort = options.quick
    ? { rounds: 3, sampleMilliseconds: 10, mostMilliseconds: 2000, restMilliseconds: 0 }
    : { rounds: 7, sampleMilliseconds: 40, mostMilliseconds: 20_000, restMilliseconds: 0 };
  // A software driver takes minutes for a step of many; of its matrices all are tall.
  const batch = options.batch ?? (gpu.software ? 8 : config.train.batch);
  const shapes = shapesOf(gpu, config, batch).filter(({ key }) => matches(key));
  if (shapes.length === 0) throw new UsageError(`--only ${options.only}: no shape matches`);
  const rows: TuneRow[] = [];
  const chosen = new Map<string, string>();
  let file = '';
  for (const [i, shape] of shapes.entries()) {
    console.error(`${i + 1} of ${shapes.length}: ${shape.key}`);
    const row = await measure(gpu, shape, effort);
    rows.push(row);
    chosen.set(row.key, row.best);
    // After each: whoever stops it keeps what was measured.
    file = writeTuned(gpu, menuVersion, chosen);
    if (!options.json) console.log(rowText(row));
  }
  if (options.json) console.log(JSON.stringify({ file, rows }));
  else console.error(`Written: ${file}`);
}

/** A shape of the network, with one launch for each form: the shipped one first. */
interface TuneShape {
  key: string;
  batch: number;
  forms: { name: string; launch: Launch }[];
}

/** Each shape once, from a training step and from inference, of one image and of a batch. */
function shapesOf(gpu: Gpu, config: Config, batch: number): TuneShape[] {
  const passes = [
    { batch, step: true },
    { batch: 1, step: false },
    { batch, step: false },
  ];
  const shapes = new Map<string, TuneShape>();
  for (const { batch, step } of passes) {
    const launches = (tuned?: { get(key: string): string | undefined }): Launch[] => {
      const store = new ParamStore(gpu, listParams(config));
      const traits = { subgroupSize: gpu.subgroupSize, tuned };
      const pass = step
        ? recordStep(traits, config, store, { batch }).pass
        : forward(new Graph({ batch, training: false, traits, inference: true }), config, store);
      return pass.g.launches;
    };
    const shipped = launches();
    const most = Math.max(...shipped.map(({ choice }) => choice?.among.length ?? 0));
    const among = new Map(shipped.flatMap(({ choice }) => (choice ? [[choice.key, choice]] : [])));
    const all = Array.from({ length: most }, (_, i) =>
      launches({ get: (key) => among.get(key)?.among[i] }),
    );
    shipped.forEach((launch, at) => {
      const { choice } = launch;
      if (!choice || choice.among.length < 2 || shapes.has(choice.key)) return;
      const others = choice.among.map((name, i) => ({ name, launch: all[i][at] }));
      const forms = [
        { name: choice.form, launch },
        ...others.filter(({ name }) => name !== choice.form),
      ];
      shapes.set(choice.key, { key: choice.key, batch, forms });
    });
  }
  return [...shapes.values()];
}

async function measure(gpu: Gpu, shape: TuneShape, effort: AlternateEffort): Promise<TuneRow> {
  const contestants: Contestant[] = [];
  try {
    for (const { name, launch } of shape.forms) {
      if (launch.choice?.form !== name) throw new LlsmError(`${shape.key}: ${name} is not chosen`);
      const plan = await alone(gpu, launch, shape.batch);
      plan.run();
      await plan.settle();
      contestants.push({
        name,
        sample: (repeats) => sample(gpu, inOneSubmit(plan), repeats),
        close: async () => plan.destroy(),
      });
    }
    const standings = await alternate(contestants, effort);
    gpu.check();
    const forms = standings.flatMap((it) =>
      'absent' in it
        ? []
        : [
            {
              name: it.name,
              milliseconds: it.milliseconds,
              gain: 1 / it.ratio,
              leastGain: 1 / it.ratioHigh,
            },
          ],
    );
    return { key: shape.key, shipped: forms[0].name, best: bestOf(forms), forms };
  } finally {
    for (const { close } of contestants) await close();
  }
}

/** @param forms the shipped one first */
export function bestOf(forms: readonly TuneForm[]): string {
  const better = forms.filter((form) => form.gain >= leastGain && form.leastGain > 1);
  return better.reduce((a, b) => (b.gain > a.gain ? b : a), forms[0]).name;
}

/** One launch by itself: what it reads is random, what it writes its own. */
async function alone(gpu: Gpu, launch: Launch, batch: number): Promise<Plan> {
  const g = new Graph({ batch, training: true, traits: { subgroupSize: gpu.subgroupSize } });
  const { partial } = launch;
  const standIns = new Map<Tensor, Tensor>();
  const standIn = (tensor: Tensor): Tensor => {
    let it = standIns.get(tensor);
    if (!it) {
      // How many rows of partial results there are, only a plan knows.
      const home = tensor === partial?.tensor ? 'temp' : 'input';
      it = new Tensor(tensor.name, tensor.shape, { batched: tensor.batched, home });
      standIns.set(tensor, it);
    }
    return it;
  };
  g.launch({
    ...launch,
    bind: Object.fromEntries(
      Object.entries(launch.bind).map(([name, tensor]) => [name, standIn(tensor)]),
    ),
    partial: partial && { ...partial, tensor: standIn(partial.tensor) },
  });
  const plan = await Plan.build(gpu, g);
  for (const tensor of plan.memory.inputs) plan.write(tensor, valuesFor(tensor));
  return plan;
}

const rowText = ({ key, best, forms }: TuneRow): string =>
  [
    key.padEnd(36),
    best.padEnd(14),
    ...forms.map(
      ({ name, milliseconds, gain }) =>
        `${name} ${milliseconds.toPrecision(3)} ms (${gain.toFixed(2)})`,
    ),
  ].join('  ');
