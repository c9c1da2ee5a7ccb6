import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from './contestant.ts';
import type { Task } from './task.ts';

/** A peer, and which rows it is asked to run. */
export interface Rival extends Peer {
  /** As the table calls it. */
  title: string;
  takes(task: Task): boolean;
}

// Built into bench/peers/dist.
const built = fileURLToPath(new URL('.', import.meta.url));

/** Python that has PyTorch: `LLSM_PYTHON`, else the first of those that are usual. */
function python(): string {
  const usual = ['python3', '/usr/bin/python3', 'python'];
  const candidates = process.env.LLSM_PYTHON ? [process.env.LLSM_PYTHON] : usual;
  const able = (program: string): boolean =>
    spawnSync(program, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
  return candidates.find(able) ?? candidates[0];
}

const forwardOnly = (task: Task): boolean =>
  task.kind !== 'pairs' && (task.part === 'forward' || task.part === 'inference');

export function rivals(): Rival[] {
  const node = (script: string, ...args: string[]) => [
    process.execPath,
    join(built, script),
    ...args,
  ];
  const torch = [python(), join(built, '../pytorch.py')];
  return [
    {
      name: 'ort-webgpu',
      title: 'ONNX Runtime WebGPU',
      command: node('ort.js', 'webgpu'),
      takes: forwardOnly,
    },
    { name: 'tfjs', title: 'TensorFlow.js WebGPU', command: node('tfjs.js'), takes: notPairs },
    {
      name: 'ort-cpu',
      title: 'ONNX Runtime CPU',
      command: node('ort.js', 'cpu'),
      takes: forwardOnly,
    },
    { name: 'torch-cpu', title: 'PyTorch CPU', command: [...torch, 'cpu'], takes: () => true },
    { name: 'torch-cuda', title: 'PyTorch CUDA', command: [...torch, 'cuda'], takes: () => true },
  ];
}

/** Its tensor of all pairs is larger than an adapter's bindings from HW = 784 on. */
function notPairs(task: Task): boolean {
  return task.kind !== 'pairs';
}
