import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import type { ParamStore } from '../graph/store.ts';
import type { Tensor } from '../graph/tensor.ts';
import { networkInput, stackPictures } from '../image/input.ts';
import type { RgbImage } from '../image/rgb.ts';
import { uploadAutoencoder } from '../model/autoencoder/bind.ts';
import type { AutoencoderCheckpoint } from '../model/autoencoder/checkpoint.ts';
import { autoencoder } from '../model/autoencoder/network.ts';

/** A trained autoencoder, ready to reconstruct faces. */
export class Autoencoder {
  private constructor(
    /** Side of what it gives back, in pixels. */
    readonly side: number,
    private readonly batch: number,
    private readonly store: ParamStore,
    private readonly plan: Plan,
    private readonly image: Tensor,
    private readonly out: Tensor,
  ) {}

  /** @param batch pictures in one run */
  static async build(gpu: Gpu, checkpoint: AutoencoderCheckpoint, batch = 8): Promise<Autoencoder> {
    const { config } = checkpoint;
    const store = uploadAutoencoder(gpu, checkpoint);
    const g = new Graph({ batch, training: false, traits: gpu, inference: true });
    const image = g.input('image', [config.side, config.side, 3], 'u8');
    const out = autoencoder(g, (name) => store.get(name), config, image);
    out.keep = true;
    const plan = await Plan.build(gpu, g, store);
    return new Autoencoder(config.side, batch, store, plan, image, out);
  }

  /** Reconstructs at most `batch` pictures, of whatever size, as squares of `side`. */
  async reconstruct(faces: readonly RgbImage[]): Promise<RgbImage[]> {
    const { side, batch } = this;
    if (faces.length > batch) throw new RangeError(`${faces.length} faces, ${batch} at a time`);
    const inputs = faces.map((face) => networkInput(face, side));
    this.plan.write(this.image, stackPictures(inputs, batch, side * side * 3));
    this.plan.run();
    const values = await this.plan.read(this.out);
    return faces.map((_, n) => {
      const data = new Uint8ClampedArray(side * side * 3);
      for (let i = 0, to = 0; i < side * side; i++) {
        const at = (n * side * side + i) * 4;
        for (let c = 0; c < 3; c++) data[to++] = (values[at + c] + 1) * 127.5;
      }
      return { width: side, height: side, data };
    });
  }

  dispose(): void {
    this.plan.destroy();
    this.store.destroy();
  }
}
