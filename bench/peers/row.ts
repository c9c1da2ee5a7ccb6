import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from '../../node/files/checkpoint.ts';
import { writeFileWhole } from '../../node/system/write-file.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { type AlternateEffort, alternate, type Contestant, type Standing } from '../alternate.ts';
import type { Ceilings } from '../ceilings.ts';
import { type Agreement, compare } from './compare.ts';
import { enter } from './contestant.ts';
import { checkpointParts, type Given, give } from './given.ts';
import { onnxOf } from './onnx.ts';
import { enterOurs, type Ours } from './ours.ts';
import type { Rival } from './peers.ts';
import type { Goal, RowSpec } from './rows.ts';
import { type Task, taskName } from './task.ts';

/** A peer's part of a row: a standing, or why there is none. */
export interface RivalResult {
  name: string;
  title: string;
  standing?: Standing;
  absent?: string;
  agreement?: Agreement;
  goal?: Goal;
}

export interface RowResult {
  name: string;
  task: Task;
  /** Processes at work in the minute before. */
  load: number;
  ours: Standing;
  /** Our arithmetic over the best multiply-add ceiling of the row's rounds. */
  share?: number;
  /** The share that is aimed at on this kind of adapter. */
  shareGoal?: number;
  rivals: RivalResult[];
}

/** Prepares a row with everyone, compares what they compute, and times those who agree with us. */
export async function measureRow(
  gpu: Gpu,
  ceilings: Ceilings,
  { task, goals, ceiling }: RowSpec,
  rivals: readonly (Rival & { absent?: string })[],
  effort: AlternateEffort,
): Promise<RowResult> {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-peers-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const [load] = loadavg();
  const kind = gpu.software ? 'software' : 'gpu';
  let ours: Ours | undefined;
  const entered: Contestant[] = [];
  try {
    const given = give(task);
    hand(folder, task, given);
    ours = await enterOurs(gpu, task, given);
    const results: RivalResult[] = [];
    for (const rival of rivals.filter(({ takes }) => takes(task))) {
      const { name, title, absent } = rival;
      const goal = goals.find(({ peer, on }) => peer === name && on === kind);
      // Who is not there at all is missed where a goal names it.
      if (absent !== undefined && !goal) continue;
      const contestant = absent === undefined ? await enter(rival, folder) : { absent };
      const result: RivalResult = { name, title, goal };
      results.push(result);
      if ('absent' in contestant) {
        result.absent = contestant.absent;
        continue;
      }
      const { tensors } = readSafetensors(join(folder, `${name}.safetensors`));
      result.agreement = compare(task, ours.outputs, tensors);
      if (result.agreement.agrees) entered.push(contestant);
      else {
        result.absent = 'its outputs differ from ours';
        await contestant.close();
      }
    }
    const measured = ceilings.all.length - 1;
    const standings = await alternate([ours, ...entered], effort, () => ceilings.measure());
    for (const it of standings) {
      const result = results.find(({ name }) => name === it.name);
      if (result) Object.assign(result, 'absent' in it ? { absent: it.absent } : { standing: it });
    }
    const own = standings[0] as Standing;
    const best = Math.max(...ceilings.all.slice(measured).map(({ gflops }) => gflops));
    const share = ceiling && ours.flops && ours.flops / own.milliseconds / 1e6 / best;
    const shareGoal = ceiling?.[kind];
    return { name: taskName(task), task, load, ours: own, share, shareGoal, rivals: results };
  } finally {
    await Promise.all([ours, ...entered].map((it) => it?.close()));
    process.off('exit', remove);
    remove();
  }
}

/** Writes what the peers read. */
function hand(folder: string, task: Task, given: Given): void {
  const write = (name: string, parts: readonly (Uint8Array | string)[]) =>
    writeFileWhole(join(folder, name), parts);
  write('task.json', [JSON.stringify(task)]);
  write('input.safetensors', serialiseSafetensors(given.input));
  if (given.checkpoint) write('weights.safetensors', checkpointParts(given.checkpoint));
  for (const layout of ['NHWC', 'NCHW'] as const) {
    const model = onnxOf(task, given, layout);
    if (model) write(`model-${layout.toLowerCase()}.onnx`, [model]);
  }
}
