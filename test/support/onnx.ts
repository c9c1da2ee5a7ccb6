/** onnxruntime, on the processor in one thread. */
import * as ort from 'onnxruntime-web';
import type { HostTensor } from '../../src/model/llsm/checkpoint.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export type Session = (inputs: Record<string, HostTensor>) => Promise<Map<string, HostTensor>>;

/** Loads an ONNX file. @returns what runs it, for any batch */
export async function session(file: Uint8Array): Promise<Session> {
  const loaded = await ort.InferenceSession.create(file);
  return async (inputs) => {
    const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      new ort.Tensor('float32', data, shape),
    ]);
    const outputs = await loaded.run(Object.fromEntries(feeds));
    return new Map(
      Object.entries(outputs).map(([name, { data, dims }]) => [
        name,
        { shape: [...dims], data: data as Float32Array },
      ]),
    );
  };
}
