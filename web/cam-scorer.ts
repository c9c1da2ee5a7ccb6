/** Grad-CAM in the engine's worker: a network of its own with the same weights, made when first asked for. */
import type { Cam } from '../src/detect/gradcam.ts';
import { bytesOf, nameOf, type Source } from '../src/detect/host.ts';
import { FaceScorer } from '../src/detect/scorer.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import { parseCheckpoint } from '../src/model/llsm/checkpoint.ts';

/** Faces' Grad-CAM, one after the other; of the feature maps that were asked for only the last stays ready. */
export class CamScorer {
  #built: { tap: string; scorer: FaceScorer } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param weights the file of the network that is in use */
  constructor(
    private readonly gpu: Gpu,
    private readonly weights: Source,
  ) {}

  /**
   * Grad-CAM of one face crop at a feature map.
   * @throws LlsmError for a map that the network has not, or that its logit does not depend on, and
   *   where the weights can no longer be read
   */
  of(crop: RgbImage, tap: string): Promise<Cam> {
    return this.#after(async () => {
      const [{ cam }] = await (await this.#at(tap)).detect([crop]);
      return cam as Cam;
    });
  }

  async #at(tap: string): Promise<FaceScorer> {
    if (this.#built?.tap === tap) return this.#built.scorer;
    this.#destroy();
    const checkpoint = parseCheckpoint(
      await bytesOf(this.weights),
      nameOf(this.weights, 'the weights'),
    );
    const options = { batch: 1, dissimilarity: false, cam: tap };
    const scorer = await FaceScorer.build(this.gpu, checkpoint, options);
    this.#built = { tap, scorer };
    return scorer;
  }

  #after<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #destroy(): void {
    this.#built?.scorer.destroy();
    this.#built = undefined;
  }

  /** Gives the memory back, once what was asked for is done. */
  dispose(): void {
    this.#after(async () => this.#destroy());
  }
}
