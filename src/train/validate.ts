import { ahead } from '../base/ahead.ts';
import type { Config } from '../config/config.ts';
import type { Crop, CropSource } from '../faces/crops.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import type { Plan } from '../graph/replay.ts';
import type { ParamStore } from '../graph/store.ts';
import { stack, stackPictures } from '../image/input.ts';
import { rocAuc, tallyOf } from '../measure/metrics.ts';
import { type Forward, forward, planOf } from '../model/llsm/forward.ts';
import { type Batch, type Losses, type LossParts, losses } from '../model/llsm/losses.ts';

/** Losses and AUC on faces that the weights are not trained on. */
export interface Validation extends LossParts {
  /** Area under the ROC curve, by face; NaN where the faces are all of one class. */
  auc: number;
}

/** Measures the weights in a store, as they stand, over the validation faces. */
export class Validator {
  private constructor(
    private readonly pass: Forward,
    private readonly losses: Losses,
    private readonly plan: Plan,
    private readonly faces: CropSource,
  ) {}

  static async build(
    gpu: Gpu,
    config: Config,
    store: ParamStore,
    faces: CropSource,
  ): Promise<Validator> {
    const batch = Math.min(faces.items.length, config.train.batch / config.train.accumulate);
    const pass = forward(
      new Graph({ batch, training: false, traits: gpu, inference: true }),
      config,
      store,
      'u8',
    );
    const loss = losses(pass);
    return new Validator(pass, loss, await planOf(gpu, pass), faces);
  }

  /**
   * Means over all faces (the mask losses: over those whose mask is known), with running statistics.
   * The next batch is loaded while the GPU works.
   */
  async measure(): Promise<Validation> {
    const { pass, plan } = this;
    const { items } = this.faces;
    const { batch: count } = pass.g;
    const scores: number[] = [];
    let known = 0;
    const sums = { cls: 0, ls: 0, loc: 0 };
    const loaded = ahead(batchesOf(items.length, count), 2, (batch) =>
      Promise.all(batch.map((item) => this.faces.load(item, 0))),
    );
    for await (const crops of loaded) {
      const batch = gather(crops, count, pass.config.size);
      const maskTotal = crops.reduce((n, crop) => n + crop.maskWeight, 0);
      // Shares of 1 give sums here; the last, partial batch is padded with faces of no weight.
      plan.write(pass.image, batch.image);
      this.losses.write(plan, batch, { items: 1, maskTotal: 1 });
      plan.run();
      const [logits, parts] = await Promise.all([
        plan.read(pass.logit.tensor),
        this.losses.read(plan),
      ]);
      scores.push(...logits.subarray(0, crops.length));
      known += maskTotal;
      sums.ls += parts.ls;
      sums.loc += parts.loc;
      crops.forEach((crop, i) => {
        sums.cls += bce(logits[i], crop.label);
      });
    }
    const { alpha, beta } = pass.config.loss;
    const cls = sums.cls / items.length;
    const ls = known > 0 ? sums.ls / known : 0;
    const loc = known > 0 ? sums.loc / known : 0;
    const labels = items.map(({ label }) => label);
    const auc = rocAuc(tallyOf(scores, labels));
    return { total: cls + alpha * ls + beta * loc, cls, ls, loc, auc };
  }

  /** Frees what it holds of the GPU; the store is its owner's. */
  destroy(): void {
    this.plan.destroy();
  }
}

/** The numbers 0 to `total` - 1 in runs of `count`. */
function* batchesOf(total: number, count: number): Generator<number[]> {
  for (let first = 0; first < total; first += count) {
    yield Array.from({ length: Math.min(count, total - first) }, (_, i) => first + i);
  }
}

const bce = (z: number, t: number): number =>
  Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z)));

/** Lays crops out as one batch of `count`, padded with empty faces of no mask weight. */
export function gather(crops: readonly Crop[], count: number, size: number): Required<Batch> {
  const each = (value: (crop: Crop) => number) =>
    stack([Float32Array.from(crops, value)], 1, count);
  return {
    image: stackPictures(
      crops.map(({ image }) => image),
      count,
      size * size * 3,
    ),
    label: each(({ label }) => label),
    mask: stack(
      crops.map(({ mask }) => mask),
      count,
      size * size,
    ),
    maskWeight: each(({ maskWeight }) => maskWeight),
  };
}
