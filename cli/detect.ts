import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type DetectOptions,
  detectFiles,
  listSources,
  type Result,
  type Source,
  toCsv,
} from '../node/detect/detect-files.ts';
import { readCheckpoint } from '../node/files/checkpoint.ts';
import { loadFinder } from '../node/files/finder.ts';
import { encodePng } from '../node/files/image.ts';
import { defaultWeights } from '../node/files/weights.ts';
import { Progress } from '../node/system/progress.ts';
import { makeFolder, writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';
import { scope, thresholdInWords, uncalibrated } from '../src/detect/verdict.ts';
import type { FacePlace } from '../src/faces/crops.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import { ContactSheet, type FoundFace } from '../src/measure/report/sheet.ts';
import type { Checkpoint } from '../src/model/llsm/checkpoint.ts';
import { leftOut } from '../src/model/llsm/positions.ts';
import { parseFacesOrAuto, precisionOption, wholeNumber } from './arguments.ts';

interface Options {
  weights?: string;
  faces: FacePlace | 'auto';
  finder?: string;
  out?: string;
  batch: number;
  precision: Dtype;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('detect')
    .description(
      'Says how likely each face on each picture was altered, and where. Files are JPEG, PNG or ' +
        `WebP, or folders of them. ${scope}`,
    )
    .argument('<file...>', 'pictures, or folders of them')
    .option('--weights <file>', 'the trained checkpoint (default: the one that comes with llsm)')
    .option(
      '--faces <how>',
      'auto: found by a network, each face for itself; whole: the picture is the face crop; ' +
        'centre=F: a centred square of F of the shorter side',
      parseFacesOrAuto,
      'auto',
    )
    .option(
      '--finder <file>',
      'the network that finds faces (default: the one that comes with llsm; `llsm import --from yunet` makes another)',
    )
    .option('--out <dir>', 'for the pictures of what was found, results.json and results.csv')
    .option('--batch <n>', 'pictures in one run of the network', wholeNumber(1, 1024), 8)
    .addOption(precisionOption())
    .option('--json', 'print the result as JSON')
    .action(detect);
}

const howToGetWeights =
  'train a network (`llsm train`) and name the weights in its folder, or, to try the command ' +
  'without a trained one, make a random one (`llsm init --config small --out W.safetensors`)';

function openWeights(path: string | undefined): Checkpoint {
  if (path === undefined) {
    console.error(
      'llsm: these are the weights that come with llsm, at the beginning of their training: a second ' +
        'opinion at most (weights/README.md says what they were measured to do); --weights names your own',
    );
    return readCheckpoint(defaultWeights());
  }
  if (!existsSync(path)) throw new LlsmError(`${path} does not exist: ${howToGetWeights}`);
  return readCheckpoint(path);
}

async function detect(paths: string[], options: Options): Promise<void> {
  const { out } = options;
  if (options.finder !== undefined && options.faces !== 'auto') {
    throw new UsageError('--finder is for --faces auto');
  }
  if (out !== undefined && paths.some((path) => resolve(path) === resolve(out))) {
    throw new UsageError(`--out must be another folder than the pictures' own (${out})`);
  }
  const checkpoint = openWeights(options.weights);
  const sources = listSources(paths, out);
  const { openGpu } = await import('./gpu.ts');
  const { Detector } = await import('../src/detect/detector.ts');
  const gpu = await openGpu();
  if (out !== undefined) makeFolder(out);
  const wanted = out !== undefined;
  const note = leftOut(checkpoint.config);
  if (wanted && note) console.error(`llsm: ${note}`);
  const batch = Math.min(options.batch, Math.max(1, sources.length));
  const detector = await Detector.build(gpu, checkpoint, {
    batch,
    dissimilarity: wanted,
    precision: options.precision,
  });
  const faces = options.faces === 'auto' ? await loadFinder(gpu, options.finder) : options.faces;
  const results: Result[] = [];
  const sheet = new ContactSheet();
  const { threshold } = checkpoint;
  const looking = { out, faces, threshold, onFace: (face: FoundFace) => sheet.add(face) };
  await look(detector, sources, looking, results).finally(
    // What was found before a failure is not lost.
    () => report({ results, sheet }, gpu, checkpoint, options),
  );
  const failed = results.filter(({ error }) => error !== undefined).length;
  if (failed > 0) {
    throw new LlsmError(`${failed} of ${results.length} could not be looked at; see above`);
  }
}

async function look(
  detector: Parameters<typeof detectFiles>[0],
  sources: readonly Source[],
  options: Omit<DetectOptions, 'onResult'>,
  results: Result[],
) {
  const { length: total } = sources;
  const bar = total > detector.batch ? new Progress({ label: 'pictures', total }) : undefined;
  const onResult = (result: Result) => {
    results.push(result);
    if (result.error !== undefined) {
      const line = `llsm: ${result.error}`;
      if (bar) bar.note(line);
      else console.error(line);
    }
    bar?.update(results.length);
  };
  try {
    await detectFiles(detector, sources, { ...options, onResult });
  } finally {
    bar?.stop();
  }
}

interface Found {
  results: Result[];
  sheet: ContactSheet;
}

/** The contact sheet's name in `out`: of several faces there is one. */
const sheetName = 'sheet.png';

function report(
  { results, sheet }: Found,
  gpu: Gpu,
  { threshold }: Checkpoint,
  options: Options,
): void {
  const { out, json } = options;
  const several = out !== undefined && sheet.added > 1;
  const whole = {
    weights: options.weights,
    faces: options.faces,
    threshold: threshold ?? { value: uncalibrated, rule: 'uncalibrated' },
    scope,
    version,
    adapter: gpu.name,
    precision: options.precision,
    ...(several && { sheet: sheetName }),
    results,
  };
  if (out !== undefined) {
    writeFileWhole(join(out, 'results.json'), [`${JSON.stringify(whole, null, 2)}\n`]);
    writeFileWhole(join(out, 'results.csv'), [toCsv(results, threshold)]);
    if (several) {
      const note = `Forged at a probability of ${thresholdInWords(threshold)}.`;
      writeFileWhole(join(out, sheetName), [encodePng(sheet.picture(note))]);
    }
  }
  if (json) {
    console.log(JSON.stringify(whole));
    return;
  }
  const found = results.filter(({ error }) => error === undefined);
  const width = Math.max(0, ...found.map(({ file }) => file.length));
  for (const { file, box, probability, verdict = '', forged, alteredShare, note } of found) {
    // The mask's threshold is for faces that are forged.
    const marked =
      alteredShare === undefined || !forged
        ? ''
        : `   mask on ${(100 * alteredShare).toFixed(1)} % of it`;
    const number = probability?.toFixed(3) ?? '     ';
    const [x, y, w, h] = box?.map(Math.round) ?? [];
    const place = box ? `   ${w} x ${h} at ${x}, ${y}` : '';
    const told = `${place}${marked}${note ? `   ${note}` : ''}`;
    console.log(`${file.padEnd(width)}  ${number}  ${verdict.padEnd(16)}${told}`);
  }
  if (out !== undefined && found.length > 0) {
    console.log(`Pictures and results are in ${out}.`);
    if (several) console.log(`All faces on one sheet: ${join(out, sheetName)}`);
  }
  console.log(`Forged at a probability of ${thresholdInWords(threshold)}.`);
  console.log(scope);
}
