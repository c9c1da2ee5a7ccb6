import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { encodePng } from '../node/files/image.ts';
import { packageRoot } from '../node/system/package-root.ts';
import { LlsmError } from '../src/base/errors.ts';
import { Random } from '../src/base/random.ts';
import { version } from '../src/base/version.ts';
import { initParams } from '../src/model/llsm/init.ts';
import type { Stages, Told } from './cold-child.ts';

/** Pipelines that a program may need, each of which a software driver compiles for 60 to 700 ms. */
const budget = { inference: 40, training: 120 };

/** Mesa's drivers keep compiled shaders on disk; other drivers do not know this and do as they do. */
const caches = {
  kept: {},
  off: { MESA_SHADER_CACHE_DISABLE: 'true' },
};
type Cache = keyof typeof caches;

/** One configuration of the network, with the driver's cache of shaders kept or off. */
export interface ColdRow {
  config: string;
  cache: Cache;
  /** Medians over the processes, in milliseconds. */
  stages: Stages;
  /** Of the same processes: what all threads computed until the first verdict. */
  processor: number;
  /** From the start of `llsm detect` to its end, likewise: the parts overlap there. */
  command: number;
  samples: number;
  pipelines: Told['pipelines'];
}

export interface ColdResult {
  version: string;
  adapter: string;
  software: boolean;
  cpus: number;
  load: number;
  rows: ColdRow[];
}

export interface ColdOptions {
  quick?: boolean;
  json?: boolean;
}

/**
 * Times how long a first verdict takes from the start of a process: a network of random weights and
 * one picture of noise, in process after process, those of each row in turn.
 * @throws LlsmError when a process fails
 */
export async function cold({ quick = false, json = false }: ColdOptions): Promise<void> {
  const samples = quick ? 3 : 7;
  const folder = mkdtempSync(join(tmpdir(), 'llsm-cold-'));
  try {
    const picture = join(folder, 'picture.png');
    writeFileSync(picture, encodePng(noise(256)));
    const rows: ColdRow[] = [];
    let told: Told | undefined;
    for (const config of quick ? ['small'] : ['small', 'paper']) {
      const weights = join(folder, `${config}.safetensors`);
      writeCheckpoint(weights, initParams(loadConfig(config, []), 1));
      // The first process fills the driver's cache, and the file system's.
      await child(weights, picture, 'kept');
      const taken: Record<Cache, { told: Told; command: number }[]> = { kept: [], off: [] };
      for (let i = 0; i < samples; i++) {
        for (const cache of Object.keys(caches) as Cache[]) {
          told = await child(weights, picture, cache);
          taken[cache].push({ told, command: await command(weights, picture, cache) });
        }
      }
      for (const cache of Object.keys(caches) as Cache[]) {
        rows.push(rowOf(config, cache, taken[cache]));
      }
    }
    const { adapter, software } = told as Told;
    const result: ColdResult = {
      version,
      adapter,
      software,
      cpus: availableParallelism(),
      load: loadavg()[0],
      rows,
    };
    console.log(json ? JSON.stringify(result) : coldText(result));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf(config: string, cache: Cache, taken: { told: Told; command: number }[]): ColdRow {
  const names = Object.keys(taken[0].told.stages) as (keyof Stages)[];
  const stages = Object.fromEntries(
    names.map((name) => [name, median(taken.map(({ told }) => told.stages[name]))]),
  ) as unknown as Stages;
  return {
    config,
    cache,
    stages,
    processor: median(taken.map(({ told }) => told.processor)),
    command: median(taken.map((each) => each.command)),
    samples: taken.length,
    pipelines: taken[0].told.pipelines,
  };
}

/** One process that does and times the parts. */
async function child(weights: string, picture: string, cache: Cache): Promise<Told> {
  const script = join(packageRoot(), 'dist', 'bench', 'cold-child.js');
  const now = performance.timeOrigin + performance.now();
  return JSON.parse(await output([script, String(now), weights, picture], cache));
}

/** Milliseconds of one `llsm detect`. */
async function command(weights: string, picture: string, cache: Cache): Promise<number> {
  const start = performance.now();
  const main = join(packageRoot(), 'bin', 'llsm.js');
  await output(
    [main, 'detect', '--faces', 'whole', '--json', '--weights', weights, picture],
    cache,
  );
  return performance.now() - start;
}

function output(args: readonly string[], cache: Cache): Promise<string> {
  const started = spawn(process.execPath, args, {
    env: { ...process.env, ...caches[cache] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const read = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    started[name].setEncoding('utf8').on('data', (text) => {
      read[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    started.on('error', reject);
    started.on('close', (status, signal) => {
      if (status === 0) resolve(read.stdout);
      else
        reject(
          new LlsmError(`A process to be timed ended with ${signal ?? status}:\n${read.stderr}`),
        );
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function noise(side: number) {
  const random = new Random(1, 'cold start');
  const data = Uint8ClampedArray.from({ length: side * side * 3 }, () => random.int(256));
  return { width: side, height: side, data };
}

const labels: Record<keyof Stages, string> = {
  node: 'Node',
  modules: 'modules',
  adapter: 'driver and adapter',
  check: 'a stored case computed',
  weights: 'weights read',
  picture: 'picture read',
  upload: 'weights to the GPU',
  record: 'network and shader texts',
  pipelines: 'buffers and pipelines',
  compile: 'compiled at the first run',
  run: 'a run',
};

function coldText({ version, adapter, software, cpus, load, rows }: ColdResult): string {
  const line = (name: string, cells: readonly string[]): string =>
    name.padEnd(34) + cells.map((cell) => cell.padStart(18)).join('');
  const of = (cell: (row: ColdRow) => string): string[] => rows.map(cell);
  const milliseconds = (value: number): string => value.toFixed(0);
  return [
    `llsm ${version}; ${adapter} (${software ? 'software driver' : 'GPU'}); ${cpus} cores, load ${load.toFixed(2)}`,
    `From the start of a process to its first verdict, ms, medians of ${rows[0].samples} processes`,
    '',
    line(
      'network (config)',
      of(({ config }) => config),
    ),
    line(
      "the driver's shader cache",
      of(({ cache }) => cache),
    ),
    ...(Object.keys(labels) as (keyof Stages)[]).map((name) =>
      line(
        labels[name],
        of(({ stages }) => milliseconds(stages[name])),
      ),
    ),
    line(
      'sum',
      of(({ stages }) => milliseconds(Object.values(stages).reduce((a, b) => a + b, 0))),
    ),
    line(
      'llsm detect, start to end',
      of(({ command }) => milliseconds(command)),
    ),
    line(
      `pipelines: inference (of ${budget.inference})`,
      of(({ pipelines }) => String(pipelines.inference)),
    ),
    line(
      `pipelines: training (of ${budget.training})`,
      of(({ pipelines }) => String(pipelines.training)),
    ),
  ].join('\n');
}
