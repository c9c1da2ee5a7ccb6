/** The network as a detector of altered faces, the same in Node and in the browser. */

import { LlsmError } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import { cropScaleOf } from '../faces/place.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import type { Plan } from '../graph/replay.ts';
import type { ParamStore } from '../graph/store.ts';
import type { Dtype, Tensor } from '../graph/tensor.ts';
import { networkInput, stackPictures } from '../image/input.ts';
import type { RgbImage } from '../image/rgb.ts';
import { uploadCheckpoint } from '../model/llsm/bind.ts';
import { isClosedForm, recordCam } from '../model/llsm/cam.ts';
import type { Checkpoint } from '../model/llsm/checkpoint.ts';
import { type Forward, forward, pairMap, planOf } from '../model/llsm/forward.ts';
import type { OpenCheckpoint } from '../model/llsm/open-checkpoint.ts';
import { mapPositions } from '../model/llsm/positions.ts';
import { madeWhileChecked } from '../model/self-test.ts';
import type { Cam } from './gradcam.ts';
import { sigmoid } from './verdict.ts';

/** Detection on one face; all values are probabilities, 0 to 1. */
export interface Detection {
  /** Probability that the face is forged. */
  probability: number;
  /** Probability [S, S] that each pixel of the face crop was altered; absent without FLM. */
  mask?: Float32Array;
  /**
   * Probability [HW, HW] that the positions i (row) and j (column) come from different sources (1 =
   * dissimilar). Absent without the pair head, above HW = 4,096, and where not asked for.
   */
  dissimilarity?: Float32Array;
  /** Grad-CAM of the logit, where it was asked for. */
  cam?: Cam;
}

export interface ScorerOptions {
  /** Faces in one run. */
  batch: number;
  /** Whether the dissimilarity of pairs is computed where it can be (default true). */
  dissimilarity?: boolean;
  /**
   * Feature map that Grad-CAM is computed at. At the map that the classifier pools (`d1`, mostly) it costs
   * next to nothing; at others batch norm is not folded into the weights, and a backward pass follows.
   */
  cam?: string;
  /** Type that feature maps are stored in (default f32). */
  precision?: Dtype;
}

/** The network as a judge of face crops: built once, then used for any number of pictures. */
export class FaceScorer {
  private constructor(
    private readonly pass: Forward,
    private readonly pairMap: Tensor | undefined,
    private readonly cam: { tap: string; map: Tensor } | undefined,
    private readonly plan: Plan,
    private readonly letGo: () => void,
  ) {}

  /**
   * Builds the network on an adapter, which must compute a stored case rightly.
   * @param checkpoint of an open one (`openCheckpoint`) the weights go to the GPU without ever being in
   *   main memory together
   * @throws LlsmError where the network does not fit the adapter, which has no f16 or computes wrong
   *   numbers, and for a tap that the network has not, or that its logit does not depend on
   */
  static async build(
    gpu: Gpu,
    checkpoint: Checkpoint | OpenCheckpoint,
    options: ScorerOptions,
  ): Promise<FaceScorer> {
    const make = async () => {
      const store =
        'upload' in checkpoint ? await checkpoint.upload(gpu) : uploadCheckpoint(gpu, checkpoint);
      return FaceScorer.#over(gpu, checkpoint.config, store, options, true);
    };
    return madeWhileChecked(gpu, make, (scorer) => scorer.destroy());
  }

  /**
   * Builds the network on weights that somebody else holds, such as a trainer: it scores with them as
   * they stand at each call, and leaves them where they are.
   * @throws LlsmError as `build`
   */
  static over(
    gpu: Gpu,
    config: Config,
    store: ParamStore,
    options: ScorerOptions,
  ): Promise<FaceScorer> {
    return FaceScorer.#over(gpu, config, store, options, false);
  }

  static async #over(
    gpu: Gpu,
    config: Config,
    store: ParamStore,
    { batch, dissimilarity = true, cam: tap, precision }: ScorerOptions,
    own: boolean,
  ): Promise<FaceScorer> {
    const closed = tap === undefined || isClosedForm(config, tap);
    if (!closed && precision === 'f16') {
      throw new LlsmError(`Grad-CAM at ${tap} needs gradients, which 16 bits do not hold: use f32`);
    }
    const traits = { batch, training: false, traits: gpu, storage: precision };
    const pass = forward(new Graph({ ...traits, inference: closed }), config, store, 'u8');
    const pairs = dissimilarity && mapPositions(config) > 0 ? pairMap(pass) : undefined;
    const cam = tap === undefined ? undefined : { tap, map: recordCam(pass, tap, { closed }) };
    // Weights that never change take as much again once they are packed.
    const plan = await planOf(gpu, pass, { release: closed && own });
    return new FaceScorer(pass, pairs, cam, plan, own ? () => store.destroy() : () => {});
  }

  /** Side of the network's input and of the masks. */
  get size(): number {
    return this.pass.config.size;
  }

  /** The face crop's side that it expects, in parts of the box's longer side. */
  get cropScale(): number {
    return cropScaleOf(this.pass.config);
  }

  /** Faces in one run. */
  get batch(): number {
    return this.pass.g.batch;
  }

  /**
   * @param faces face crops of any size; what does not fill a batch is padded
   * @param withMaps whether face k is given its mask and dissimilarity; a run in which no face is
   *   reads none of them back
   * @returns one result a face, in order
   * @throws LlsmError where a logit is not finite, or the GPU failed
   */
  async detect(
    faces: readonly RgbImage[],
    withMaps: (k: number) => boolean = () => true,
  ): Promise<Detection[]> {
    const detections: Detection[] = [];
    for (let first = 0; first < faces.length; first += this.batch) {
      const part = faces.slice(first, first + this.batch);
      detections.push(...(await this.#run(part, (k) => withMaps(first + k))));
    }
    return detections;
  }

  async #run(faces: readonly RgbImage[], withMaps: (k: number) => boolean): Promise<Detection[]> {
    const { pass, plan, batch, size } = this;
    const inputs = faces.map((face) => networkInput(face, size));
    plan.write(pass.image, stackPictures(inputs, batch, size * size * 3));
    plan.run();
    const logits = await plan.read(pass.logit.tensor);
    const maps = faces.some((_, k) => withMaps(k));
    const masks = maps && pass.mask && (await plan.read(pass.mask.tensor));
    const pairMaps = maps && this.pairMap && (await plan.read(this.pairMap));
    const cams = maps && this.cam && (await plan.read(this.cam.map));
    return faces.map((_, k) => {
      if (!Number.isFinite(logits[k])) {
        throw new LlsmError(
          `The network's logit is ${logits[k]}: its weights are too large for 32-bit arithmetic`,
        );
      }
      const probability = sigmoid(logits[k]);
      if (!withMaps(k)) return { probability };
      return {
        probability,
        mask: masks ? itemOf(masks, k, batch).map(sigmoid) : undefined,
        dissimilarity: pairMaps ? itemOf(pairMaps, k, batch).map(sigmoid) : undefined,
        cam: cams ? this.#camOf(itemOf(cams, k, batch)) : undefined,
      };
    });
  }

  #camOf(values: Float32Array): Cam {
    const { tap, map } = this.cam as { tap: string; map: Tensor };
    return { tap, side: map.shape[1], values: values.slice() };
  }

  destroy(): void {
    this.plan.destroy();
    this.letGo();
  }
}

function itemOf(values: Float32Array, k: number, batch: number): Float32Array {
  const length = values.length / batch;
  return values.subarray(k * length, (k + 1) * length);
}
