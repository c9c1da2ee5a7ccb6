/** The time of an optimiser step on an adapter. */

import type { Config } from '../config/config.ts';
import type { Gpu } from '../gpu/device.ts';
import { initParams } from '../model/llsm/init.ts';
import { Trainer } from './trainer.ts';

/** Steps that are timed, unless they take longer together than so many seconds. */
const mostSteps = 3;
const longest = 5;

/**
 * Times the first steps of a network that is thrown away, on blank faces; reading and decoding
 * faces is not in it, nor is the first step, in which the driver compiles.
 * @returns seconds a step
 * @throws LlsmError where a step does not fit the adapter
 */
export async function timeStep(gpu: Gpu, config: Config): Promise<number> {
  const { size, train } = config;
  const trainer = await Trainer.build(gpu, { checkpoint: initParams(config, train.seed) });
  const values = (each: number) => new Float32Array(train.batch * each);
  const faces = {
    image: new Uint8Array(train.batch * size * size * 3),
    label: values(1),
    mask: values(size * size),
    maskWeight: values(1).fill(1),
  };
  try {
    await trainer.step(faces, 0, 0);
    const started = performance.now();
    const spent = () => (performance.now() - started) / 1000;
    let steps = 0;
    do await trainer.step(faces, ++steps, 0);
    while (steps < mostSteps && spent() < longest);
    return spent() / steps;
  } finally {
    trainer.destroy();
  }
}
