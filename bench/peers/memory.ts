import { parseConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { planMemory } from '../../src/graph/plan.ts';
import { Graph } from '../../src/graph/record.ts';
import { planStep } from '../../src/train/step-plan.ts';
import { pairCase } from '../cases/pairs.ts';
import { ask } from './contestant.ts';
import type { Rival } from './peers.ts';

/** What a training step holds at its peak, in bytes. */
export interface MemoryResult {
  name: string;
  ours: number;
  theirs: {
    title: string;
    bytes?: number;
    method?: string;
    /** The peak of its whole process, where its step is in main memory. */
    process?: number;
    absent?: string;
  }[];
  /** Our share of PyTorch's that is aimed at, at most. */
  goal: number;
  /** What single operations take beyond their inputs and gradients. */
  workspace: { name: string; bytes: number; goal: number }[];
}

/**
 * The planned peak of a step at width 1, 224 px, against what PyTorch holds for the same network, by
 * its own count: see `memory` in pytorch.py. Nothing of ours is run or allocated.
 */
export async function compareMemory(
  gpu: Gpu,
  rivals: readonly (Rival & { absent?: string })[],
): Promise<MemoryResult> {
  const config = parseConfig({ train: { batch: 32 } }, 'benchmark');
  const { width, size } = config;
  const { batch } = config.train;
  const theirs: MemoryResult['theirs'] = [];
  for (const rival of rivals.filter(({ name }) => name.startsWith('torch'))) {
    const said = rival.absent
      ? { absent: rival.absent }
      : await ask<{ bytes: number; method: string; process?: number }>(
          rival,
          ...['memory', JSON.stringify({ width, size }), String(batch)],
        );
    theirs.push({ title: rival.title, ...said });
  }
  return {
    name: `peak of a training step, width ${width}, ${size}x${size}, b${batch}`,
    ours: planStep(gpu, config).bytes,
    theirs,
    goal: 0.6,
    workspace: [pairWorkspace(gpu)],
  };
}

/** The pair loss with gradients over 12,544 positions. */
function pairWorkspace(gpu: Gpu): MemoryResult['workspace'][number] {
  const it = pairCase(1, 'mlp', 112, 64);
  const g = new Graph({ batch: it.batch, training: true, traits: gpu });
  const { gradients = [] } = it.record(g, 'whole', undefined);
  for (const tensor of gradients) tensor.keep = true;
  const memory = planMemory(g, gpu.device.limits);
  const handed = [...memory.inputs, ...gradients].reduce((sum, { bytes }) => sum + bytes, 0);
  return { name: `${it.name}, with gradients`, bytes: memory.bytes - handed, goal: 16 * 2 ** 20 };
}
