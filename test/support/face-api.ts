/**
 * `@vladmandic/face-api` with its TensorFlow.js on the processor. Its build is for a page: while it is
 * loaded it must find one, and no Node.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const faceApiFolder = join(
  dirname(fileURLToPath(import.meta.resolve('@vladmandic/face-api/package.json'))),
);

interface TfTensor {
  shape: number[];
  data(): Promise<Float32Array>;
}

interface Network {
  loadFromWeightMap(weights: unknown): void;
  forward(input: TfTensor, side?: number): Promise<TfTensor>;
}

/** What is used of it. */
export interface FaceApi {
  tf: {
    tensor3d(values: Float32Array, shape: number[]): TfTensor;
    setBackend(name: string): Promise<boolean>;
    ready(): Promise<void>;
    io: { decodeWeights(buffer: ArrayBuffer, specs: unknown): unknown };
  };
  nets: {
    tinyFaceDetector: Network;
    faceLandmark68TinyNet: Network;
    faceLandmark68Net: Network;
    ssdMobilenetv1: {
      loadFromWeightMap(weights: unknown): void;
      forward(input: TfTensor): Promise<{ boxes: TfTensor[]; scores: TfTensor[] }>;
    };
  };
}

export async function loadFaceApi(): Promise<FaceApi> {
  const scope = globalThis as Record<string, unknown>;
  const { process } = globalThis;
  scope.process = undefined;
  scope.window = { document: {} };
  const loading = import(join(faceApiFolder, 'dist', 'face-api.esm.js'));
  const api = await loading.finally(() => {
    scope.process = process;
    delete scope.window;
  });
  class Nothing {}
  const none = (): void => {};
  api.env.setEnv({
    Canvas: Nothing,
    CanvasRenderingContext2D: Nothing,
    Image: Nothing,
    ImageData: Nothing,
    Video: Nothing,
    createCanvasElement: none,
    createImageElement: none,
    createVideoElement: none,
    fetch: none,
    readFile: none,
  });
  await api.tf.setBackend('cpu');
  await api.tf.ready();
  return api;
}

/** The weights of one of its models, as its networks take them. */
export function weightMap({ tf }: FaceApi, file: string): unknown {
  const path = join(faceApiFolder, 'model', file);
  const [{ weights }] = JSON.parse(readFileSync(`${path}-weights_manifest.json`, 'utf8'));
  return tf.io.decodeWeights(new Uint8Array(readFileSync(`${path}.bin`)).buffer, weights);
}
