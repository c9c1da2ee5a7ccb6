import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import { ParamStore } from '../graph/store.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Box } from '../image/pixels.ts';
import { resize } from '../image/resample.ts';
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
import { madeWhileChecked } from '../model/self-test.ts';
import type { FaceFinder, FoundFace, Point } from './place.ts';

export interface FinderOptions {
  /** Sides of the squares that pictures are resized into: small faces need a large one. */
  sides?: readonly number[];
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
    /** One for each side, in their order. */
    private readonly scales: readonly Ready[],
    private readonly marks: Ready | undefined,
    /** Sides of the squares that pictures are resized into. */
    readonly sides: readonly number[],
    /** Faces with a lower score are not reported. */
    readonly score: number,
  ) {
    this.name = checkpoint.detector;
    this.#network = detectors[checkpoint.detector];
  }

  /**
   * @param where the file's name, for messages
   * @throws LlsmError where the file is no face finder, a side is none that its network takes, or
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
    const { sides = network.sides, score = network.score } = options;
    const { multiple, resizable } = network;
    const wrong = sides.find((side) => side % multiple !== 0 || side < multiple);
    if (wrong !== undefined || sides.length === 0) {
      throw new LlsmError(
        `A face finder of kind ${checkpoint.detector} takes ` +
          (resizable
            ? `a side that is a multiple of ${multiple}, not ${wrong}`
            : `pictures of ${network.sides} pixels, not ${wrong}`),
      );
    }
    const make = () => NetworkFinder.#make(gpu, checkpoint, where, sides, score);
    return madeWhileChecked(gpu, make, (finder) => finder.dispose());
  }

  static async #make(
    gpu: Gpu,
    checkpoint: FinderCheckpoint,
    where: string,
    sides: readonly number[],
    score: number,
  ): Promise<NetworkFinder> {
    const network: DetectorNetwork = detectors[checkpoint.detector];
    const { store, param, tables, unused } = weightsOf(gpu, checkpoint, where);
    const ready = async (
      width: number,
      forward: (build: FinderBuilder, image: Tensor) => Tensor[],
    ): Promise<Ready> => {
      const g = new Graph({
        batch: 1,
        training: false,
        traits: gpu,
        inference: true,
      });
      const input = g.input('image', [width, width, 3]);
      const outs = forward({ g, param }, input);
      for (const out of outs) out.keep = true;
      return { plan: await Plan.build(gpu, g, store), input, outs };
    };
    const size = checkpoint.landmarks;
    const [scales, marks] = await Promise.all([
      Promise.all(sides.map((side) => ready(side, network.forward))),
      size ? ready(landmarkSide, (build, face) => [landmarks(build, face, size)]) : undefined,
    ]);
    if (unused.size > 0) {
      throw new LlsmError(
        `${where} holds tensors that its networks do not have: ${[...unused].join(', ')}`,
      );
    }
    return new NetworkFinder(checkpoint, tables, store, scales, marks, sides, score);
  }

  async find(image: RgbImage): Promise<FoundFace[]> {
    const candidates: Candidate[] = [];
    for (const [i, scale] of this.scales.entries()) {
      candidates.push(...(await this.#candidates(image, this.sides[i], scale)));
    }
    const faces: FoundFace[] = [];
    for (const { box, score, points } of suppress(candidates, this.#network.iou)) {
      const points68 = points ? undefined : await this.points68(image, box);
      const landmarks = points ?? fivePoints(points68 ?? []);
      faces.push({ box, score, landmarks, ...(points68 && { points68 }) });
    }
    return faces;
  }

  /** Candidates in pixels of the picture, which is seen at one side. */
  async #candidates(image: RgbImage, side: number, scale: Ready): Promise<Candidate[]> {
    const network = this.#network;
    const { square, across, down } = fitted(image, side);
    const data = await run(scale, normalised(square.data, network.normalisation));
    const outs = data.map((values, i) => ({ shape: scale.outs[i].shape, data: values }));
    if (!outs.every(({ data }) => data.every(Number.isFinite))) {
      throw new LlsmError('The face finder computed values that are not finite');
    }
    return network.decode(outs, this.score, side, this.tables).map(({ box, score, points }) => ({
      box: [box[0] / across, box[1] / down, box[2] / across, box[3] / down],
      score,
      points: points?.map(([x, y]) => [x / across, y / down]),
    }));
  }

  /**
   * The 68 points of the face in a box of the picture.
   * @throws LlsmError where the finder has no landmark network
   */
  async points68(image: RgbImage, [x, y, w, h]: Box): Promise<Point[]> {
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
    for (const { plan } of this.scales) plan.destroy();
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
 * @returns also how many of its pixels stand for one of the picture, across and down
 */
export function fitted(
  image: RgbImage,
  side: number,
): { square: RgbImage; across: number; down: number } {
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
    across: width / image.width,
    down: height / image.height,
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
