/** Pictures through one scan, and through a queue with 1, 2 and 4 workers: the same lines, each once. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '../../node/files/image.ts';
import { parseLine, type ScanLine } from '../../node/scan/line.ts';
import { packageRoot } from '../../node/system/package-root.ts';
import { Random } from '../../src/base/random.ts';
import { OwnRedis } from './redis.ts';

export interface ShareOptions {
  folder: string;
  pictures: number;
  /** Numbers of workers to try. */
  workers: readonly number[];
  say: (line: string) => void;
}

export interface ShareRow {
  how: string;
  files: number;
  missing: number;
  doubled: number;
  /** Files whose finding is not the single scan's, to the last bit. */
  different: number;
  /** The largest difference of a probability from the single scan's. */
  mostOff: number;
  seconds: number;
  filesPerSecond: number;
  /** Processor milliseconds a file, of all processes but Redis, their start included. */
  processorMs: number;
  /** Files of each worker. */
  split: string;
}

/** A small picture with some structure, unlike every other. */
function picture(index: number): Uint8Array {
  const random = new Random(index, 'archive');
  const [width, height] = [48, 48];
  const k = Array.from({ length: 12 }, () => random.next());
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const wave = Math.sin((6 * k[c] * x) / width + (9 * k[3 + c] * y) / height + 6 * k[6 + c]);
        data[at++] = 127 + 64 * wave + 12 * k[9 + c] * ((x * 7 + y * 13 + index) % 5);
      }
    }
  }
  return encodePng({ width, height, data });
}

interface Ran {
  stdout: string;
  seconds: number;
  /** Processor seconds of the process and those that it started. */
  processor: number;
}

/** Runs `llsm`. @throws where it does not end with 0 */
async function llsm(args: readonly string[]): Promise<Ran> {
  const begun = performance.now();
  const command = [process.execPath, join(packageRoot(), 'bin', 'llsm.js'), ...args];
  const child = spawn('bash', ['-c', '"$@"; s=$?; times; exit $s', '--', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`llsm ${args.join(' ')} ended with ${status}: ${stderr}`);
  // The shell's second line of times is its children's.
  const [user, system] = stdout.trimEnd().split('\n').at(-1)?.split(' ') ?? [];
  const inSeconds = (text = '0m0s') => {
    const [, minutes, rest] = /(\d+)m([\d.]+)s/.exec(text) ?? [];
    return Number(minutes) * 60 + Number(rest);
  };
  return {
    stdout,
    seconds: (performance.now() - begun) / 1000,
    processor: inSeconds(user) + inSeconds(system),
  };
}

const read = (out: string): ScanLine[] =>
  readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text, i) => parseLine(text, `${out}, line ${i + 1},`));

/** What a line says, without when and how fast, and which of several alike pictures came first. */
const said = ({ times: _, copyOf: __, ...line }: ScanLine): string => JSON.stringify(line);

export async function share(options: ShareOptions): Promise<ShareRow[]> {
  const { folder, pictures, workers, say } = options;
  const archive = join(folder, 'archive');
  mkdirSync(archive);
  for (let i = 0; i < pictures; i++) writeFileSync(join(archive, `${i}.png`), picture(i));
  const weights = join(folder, 'weights.safetensors');
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ size: 64, width: 0.05, llsm: false, flm: false }));
  await llsm(['init', '--config', config, '--seed', '1', '--out', weights]);
  const look = ['--weights', weights, '--faces', 'whole', '--views', 'one'];
  const work = [...look, '--batch', '32', '--threads', '1'];
  say(`${pictures} pictures are made`);

  const single = join(folder, 'single.ndjson');
  const ran = await llsm(['scan', archive, '--out', single, ...work]);
  const wanted = new Map(read(single).map((line) => [line.file, line]));
  const differs = (line: ScanLine): boolean => {
    const other = wanted.get(line.file);
    if (other && said(other) === said(line)) return false;
    say(`${other && said(other)}\n  and\n${said(line)}`);
    return true;
  };
  const off = ({ file, faces }: ScanLine): number =>
    Math.max(
      0,
      ...faces.map(({ probability }, k) =>
        Math.abs((probability ?? 0) - (wanted.get(file)?.faces[k]?.probability ?? 0)),
      ),
    );
  const row = (
    how: string,
    out: string,
    { seconds, processor }: Omit<Ran, 'stdout'>,
    split: string,
  ): ShareRow => {
    const lines = read(out);
    const files = new Set(lines.map(({ file }) => file));
    return {
      ...{ how, files: lines.length, split, seconds: Math.round(seconds) },
      missing: pictures - files.size,
      doubled: lines.length - files.size,
      different: lines.filter(differs).length,
      mostOff: lines.reduce((most, line) => Math.max(most, off(line)), 0),
      filesPerSecond: Math.round((10 * pictures) / seconds) / 10,
      processorMs: Math.round((1e5 * processor) / pictures) / 100,
    };
  };
  const rows = [row('one scan', single, ran, '')];
  say(JSON.stringify(rows[0]));
  for (const count of workers) {
    const home = join(folder, `redis${count}`);
    mkdirSync(home);
    const redis = await OwnRedis.start(home);
    const queue = ['--queue', redis.url];
    await llsm(['scan', 'enqueue', archive, ...queue, ...look]);
    const begun = performance.now();
    const crew = await Promise.all(
      Array.from({ length: count }, () =>
        llsm(['scan', 'work', '--until-empty', ...queue, ...work]),
      ),
    );
    const seconds = (performance.now() - begun) / 1000;
    const out = join(folder, `${count}.ndjson`);
    await llsm(['scan', 'collect', '--out', out, ...queue, ...look]);
    await redis.kill();
    const processor = crew.reduce((sum, each) => sum + each.processor, 0);
    const split = crew.map(({ stdout }) => /^(\d+) files/.exec(stdout)?.[1] ?? '?').join(' + ');
    rows.push(row(`${count} workers`, out, { seconds, processor }, split));
    say(JSON.stringify(rows.at(-1)));
  }
  return rows;
}
