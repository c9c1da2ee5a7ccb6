import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { ParamStore } from '../graph/params.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Box, resize } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import { type Candidate, suppress } from '../model/facefinder/candidates.ts';
import { detectors, type FinderCheckpoint, parseFinder } from '../model/facefinder/checkpoint.ts';
import {
  fivePoints,
  landmarkNormalisation,
  landmarkSide,
  landmarks,
} from '../model/facefinder/landmarks.ts';
import type { FinderBuilder } from '../model/facefinder/layers.ts';
import { type DetectorNetwork, normalised } from '../model/facefinder/network.ts';
import type { HostTensor } from '../model/safetensors.ts';
import { checkNumbers } from '../model/self-test.ts';
import type { FaceFinder, FoundFace, Point } from './place.ts';

export interface FinderOptions {
  /** Side of the square that pictures are resized into; small faces need a large one. */
  side?: number;
  /** Faces with a lower score are not reported. */
  score?: number;
}

/** One network made ready: an input, and outputs that are read back. */
interface Ready {
  plan: Plan;
  input: Tensor;
  outs: Tensor[];
}

/** The face finder as a network on our own kernels; the same in Node and in a page. */
export class NetworkFinder implements FaceFinder {
  readonly name: string;
  readonly #network: DetectorNetwork;

  private constructor(
    checkpoint: FinderCheckpoint,
    private readonly tables: Readonly<Record<string, Float32Array>>,
    private readonly store: ParamStore,
    private readonly detector: Ready,
    private readonly marks: Ready | undefined,
    /** Side of the square that pictures are resized into. */
    readonly side: number,
    /** Faces with a lower score are not reported. */
    readonly score: number,
  ) {
    this.name = checkpoint.detector;
    this.#network = detectors[checkpoint.detector];
  }

  /**
   * @param where the file's name, for messages
   * @throws LlsmError where the file is no face finder, the side is none that its network takes, or
   *   the adapter cannot run it or computes wrong numbers
   */
  static async load(
    gpu: Gpu,
    file: Uint8Array,
    where: string,
    options: FinderOptions = {},
  ): Promise<NetworkFinder> {
    return NetworkFinder.build(gpu, parseFinder(file, where), where, options);
  }

  /** @throws LlsmError as `load` */
  static async build(
    gpu: Gpu,
    checkpoint: FinderCheckpoint,
    where: string,
    options: FinderOptions = {},
  ): Promise<NetworkFinder> {
    const network: DetectorNetwork = detectors[checkpoint.detector];
    const { side = network.side, score = network.score } = options;
    if (side % network.multiple !== 0 || side < network.multiple) {
      throw new LlsmError(
        network.resizable
          ? `A face finder of kind ${checkpoint.detector} takes a side that is a multiple of ${network.multiple}, not ${side}`
          : `A face finder of kind ${checkpoint.detector} takes pictures of ${network.side} pixels, not ${side}`,
      );
    }
    await checkNumbers(gpu);
    const { store, param, tables, unused } = weightsOf(gpu, checkpoint, where);
    const ready = async (
      width: number,
      forward: (build: FinderBuilder, image: Tensor) => Tensor[],
    ): Promise<Ready> => {
      const g = new Graph(1, false, { subgroupSize: gpu.subgroupSize, tuned: gpu.tuned }, true);
      const input = g.input('image', [width, width, 3]);
      const outs = forward({ g, param }, input);
      for (const out of outs) out.keep = true;
      return { plan: await Plan.build(gpu, g, store), input, outs };
    };
    const detector = await ready(side, network.forward);
    const size = checkpoint.landmarks;
    const marks = size
      ? await ready(landmarkSide, (build, face) => [landmarks(build, face, size)])
      : undefined;
    if (unused.size > 0) {
      throw new LlsmError(
        `${where} holds tensors that its networks do not have: ${[...unused].join(', ')}`,
      );
    }
    return new NetworkFinder(checkpoint, tables, store, detector, marks, side, score);
  }

  async find(image: RgbImage): Promise<FoundFace[]> {
    const { square, scale } = fitted(image, this.side);
    const faces: FoundFace[] = [];
    for (const { box, score, points } of await this.#candidates(square)) {
      const [x, y, w, h] = box;
      const placed: Box = [x / scale[0], y / scale[1], w / scale[0], h / scale[1]];
      const given = points?.map(([x, y]): Point => [x / scale[0], y / scale[1]]);
      if (given) faces.push({ box: placed, score, landmarks: given });
      else {
        const points68 = await this.#points(image, placed);
        faces.push({ box: placed, score, landmarks: fivePoints(points68), points68 });
      }
    }
    return faces;
  }

  /** Candidates on a square picture of the network's side. */
  async #candidates(square: RgbImage): Promise<Candidate[]> {
    const network = this.#network;
    const data = await run(this.detector, normalised(square.data, network.normalisation));
    const outs = data.map((values, i) => ({ shape: this.detector.outs[i].shape, data: values }));
    if (!outs.every(({ data }) => data.every(Number.isFinite))) {
      throw new LlsmError('The face finder computed values that are not finite');
    }
    return suppress(network.decode(outs, this.score, this.side, this.tables), network.iou);
  }

  /** The 68 points of the face in a box of the picture. */
  async #points(image: RgbImage, [x, y, w, h]: Box): Promise<Point[]> {
    const { marks } = this;
    if (!marks) throw new LlsmError('This face finder has no landmark network');
    const side = Math.max(w, h);
    const [left, top] = [x + (w - side) / 2, y + (h - side) / 2];
    const face = resize(image, landmarkSide, landmarkSide, [left, top, side, side]);
    const [values] = await run(marks, normalised(face.data, landmarkNormalisation));
    return Array.from({ length: 68 }, (_, i) => [
      left + values[i * 2] * side,
      top + values[i * 2 + 1] * side,
    ]);
  }

  dispose(): void {
    this.detector.plan.destroy();
    this.marks?.plan.destroy();
    this.store.destroy();
  }
}

async function run({ plan, input, outs }: Ready, values: Float32Array): Promise<Float32Array[]> {
  plan.write(input, values);
  plan.run();
  return Promise.all(outs.map((out) => plan.read(out)));
}

/**
 * The picture in the upper left corner of a square, as large as fits; black beside it.
 * @returns also pixels of the square to one of the picture, across and down
 */
export function fitted(
  image: RgbImage,
  side: number,
): { square: RgbImage; scale: [number, number] } {
  const most = Math.max(image.width, image.height);
  const width = Math.max(1, Math.round((image.width * side) / most));
  const height = Math.max(1, Math.round((image.height * side) / most));
  const small =
    width === image.width && height === image.height ? image : resize(image, width, height);
  const data = new Uint8ClampedArray(side * side * 3);
  for (let y = 0; y < height; y++) {
    data.set(small.data.subarray(y * width * 3, (y + 1) * width * 3), y * side * 3);
  }
  return {
    square: { width: side, height: side, data },
    scale: [width / image.width, height / image.height],
  };
}

/** The checkpoint's weights on the GPU, and who asks for them by name and shape. */
function weightsOf(gpu: Gpu, { detector, tensors }: FinderCheckpoint, where: string) {
  const network: DetectorNetwork = detectors[detector];
  const unused = new Set(tensors.keys());
  const checked = (name: string, shape: readonly number[]): HostTensor => {
    const found = tensors.get(name);
    if (found?.shape.join() !== shape.join()) {
      throw new LlsmError(
        `${where}: the face finder needs tensor ${name} [${shape.join(', ')}], which ` +
          (found ? `is [${found.shape.join(', ')}]` : 'is missing'),
      );
    }
    unused.delete(name);
    return found;
  };
  const tables = Object.fromEntries(
    Object.entries(network.tables ?? {}).map(([name, shape]) => [name, checked(name, shape).data]),
  );
  const weights = [...tensors].filter(([name]) => !(name in tables));
  const store = new ParamStore(
    gpu,
    weights.map(([name, { shape }]) => ({ name, shape, kind: 'weight' as const })),
  );
  for (const [name, { data }] of weights) store.write(name, data);
  const param = (name: string, shape: readonly number[]): Tensor => {
    checked(name, shape);
    return store.get(name);
  };
  return { store, param, tables, unused };
}
