import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { lookAtFiles } from '../node/detect/detect-files.ts';
import { lookAtVideo } from '../node/detect/detect-video.ts';
import { findingsCsv } from '../node/detect/findings-csv.ts';
import { framesCsv } from '../node/detect/frames-csv.ts';
import { listSources, type Source } from '../node/detect/sources.ts';
import { writePictures } from '../node/detect/write-pictures.ts';
import { readCheckpoint } from '../node/files/checkpoint.ts';
import { loadFinder } from '../node/files/finder.ts';
import { encodePng } from '../node/files/image.ts';
import { defaultWeights } from '../node/files/weights.ts';
import { Progress } from '../node/system/progress.ts';
import { makeFolder, writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';
import type { Examiner } from '../src/detect/examiner.ts';
import { type Finding, isVideo } from '../src/detect/finding.ts';
import { type VideoRule, videoRules } from '../src/detect/pooling.ts';
import { meaningInWords, scope, thresholdInWords, uncalibrated } from '../src/detect/verdict.ts';
import { viewNames } from '../src/detect/views.ts';
import { type FacePlace, FixedPlace } from '../src/faces/place.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import { ContactSheet } from '../src/measure/report/sheet.ts';
import type { Checkpoint } from '../src/model/llsm/checkpoint.ts';
import { leftOut } from '../src/model/llsm/positions.ts';
import { parseFacesOrAuto, precisionOption, wholeNumber } from './arguments.ts';
import { linesOf, timesInWords } from './detect-lines.ts';

interface Options {
  weights?: string;
  faces: FacePlace | 'auto';
  finder?: string;
  out?: string;
  batch: number;
  every: number;
  maxFrames?: number;
  videoScore: VideoRule;
  views: 'all' | 'one';
  precision: Dtype;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('detect')
    .description(
      'Says how likely each face on each picture or video was altered, and where. Files are JPEG, PNG ' +
        `or WebP, MP4, MOV, MKV, WebM or AVI, or folders of them. ${scope}`,
    )
    .argument('<file...>', 'pictures or videos, or folders of them')
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
    .option(
      '--out <dir>',
      'for the pictures of what was found, results.json and results.csv; of videos a timeline, a video ' +
        'with the faces marked and frames.csv',
    )
    .option('--every <n>', 'of a video, one frame in n is looked at', wholeNumber(1), 10)
    .option('--max-frames <n>', 'of a video, frames that are looked at, at most', wholeNumber(1))
    .addOption(
      new Option('--video-score <rule>', "how a track's probability comes from its frames'")
        .choices(Object.keys(videoRules))
        .default('mean'),
    )
    .addOption(
      new Option(
        '--views <n>',
        'all: each face as it is, mirrored, recompressed and made smaller, to see whether the verdict ' +
          'holds (in a video, a few faces of each track); one: as it is (five times as fast)',
      )
        .choices(['all', 'one'])
        .default('all'),
    )
    .option('--batch <n>', 'views of faces in one run of the network', wholeNumber(1, 1024), 8)
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
  const { FaceScorer } = await import('../src/detect/scorer.ts');
  const { Examiner } = await import('../src/detect/examiner.ts');
  const gpu = await openGpu();
  if (out !== undefined) makeFolder(out);
  const wanted = out !== undefined;
  const note = leftOut(checkpoint.config);
  if (wanted && note) console.error(`llsm: ${note}`);
  const { threshold } = checkpoint;
  const views = options.views === 'one' ? viewNames.slice(0, 1) : viewNames;
  const anyVideo = sources.some(({ video }) => video);
  const most = anyVideo ? options.batch : Math.max(1, sources.length * views.length);
  const batch = Math.min(options.batch, most);
  const detector = await FaceScorer.build(gpu, checkpoint, {
    batch,
    dissimilarity: wanted && sources.some(({ video }) => !video),
    precision: options.precision,
  });
  const { faces } = options;
  const finder = faces === 'auto' ? await loadFinder(gpu, options.finder) : new FixedPlace(faces);
  const examiner = new Examiner(detector, finder, { threshold, views });
  const found: Found = { findings: [], sheet: new ContactSheet() };
  await look(examiner, sources, options, found).finally(
    // What was found before a failure is not lost.
    () => report(found, gpu, checkpoint, options),
  );
  const failed = found.findings.filter(({ error }) => error).length;
  if (failed > 0) {
    throw new LlsmError(
      `${failed} of ${found.findings.length} could not be looked at, or not to the end; see above`,
    );
  }
}

/** What was found until now. */
interface Found {
  findings: Finding[];
  sheet: ContactSheet;
}

/** Looks at pictures and videos in their order. */
async function look(
  examiner: Examiner,
  sources: readonly Source[],
  options: Options,
  found: Found,
): Promise<void> {
  let pictures: Source[] = [];
  const lookAtPictures = async () => {
    if (pictures.length > 0) await lookPictures(examiner, pictures, options.out, found);
    pictures = [];
  };
  for (const source of sources) {
    if (!source.video) {
      pictures.push(source);
      continue;
    }
    await lookAtPictures();
    await lookVideo(examiner, source, options, found);
  }
  await lookAtPictures();
}

async function lookVideo(
  examiner: Examiner,
  source: Source,
  { every, maxFrames = Number.POSITIVE_INFINITY, videoScore: rule, out }: Options,
  { findings }: Found,
): Promise<void> {
  let bar: Progress | undefined;
  const tell = (text: string) => {
    const line = `llsm: ${text}`;
    if (bar) bar.note(line);
    else console.error(line);
  };
  try {
    const finding = await lookAtVideo(examiner, source, {
      ...{ every, most: maxFrames, rule, out, onNote: tell },
      onStart(total) {
        bar = new Progress({ label: 'frames', total });
      },
      onFrame: (done) => bar?.update(done),
    });
    findings.push(finding);
    if (finding.error) tell(finding.error.message);
    if (finding.frames.length > 0) tell(`${source.path}: ${timesInWords(finding)}`);
  } finally {
    bar?.stop();
  }
}

async function lookPictures(
  examiner: Examiner,
  sources: readonly Source[],
  out: string | undefined,
  { findings, sheet }: Found,
): Promise<void> {
  const { length: total } = sources;
  const { size, batch } = examiner.detector;
  const bar = total > batch ? new Progress({ label: 'pictures', total }) : undefined;
  let done = 0;
  try {
    for await (const looked of lookAtFiles(examiner, sources, out !== undefined)) {
      const { finding } = looked;
      if (out !== undefined) {
        writePictures(looked, { size, out, onFace: (face) => sheet.add(face) });
      }
      findings.push(finding);
      done++;
      if (finding.error) {
        const line = `llsm: ${finding.error.message}`;
        if (bar) bar.note(line);
        else console.error(line);
      }
      bar?.update(done);
    }
  } finally {
    bar?.stop();
  }
}

/** The contact sheet's name in `out`: of several faces there is one. */
const sheetName = 'sheet.png';

function report(
  { findings, sheet }: Found,
  gpu: Gpu,
  { threshold }: Checkpoint,
  options: Options,
): void {
  const { out, json } = options;
  const several = out !== undefined && sheet.added > 1;
  const whole = {
    version,
    adapter: gpu.name,
    weights: options.weights ?? null,
    faces: options.faces,
    precision: options.precision,
    threshold: threshold ?? { value: uncalibrated, rule: 'uncalibrated' },
    scope,
    ...(several && { sheet: sheetName }),
    results: findings,
  };
  if (out !== undefined) {
    writeFileWhole(join(out, 'results.json'), [`${JSON.stringify(whole, null, 2)}\n`]);
    writeFileWhole(join(out, 'results.csv'), [findingsCsv(findings, threshold)]);
    const videos = findings.filter(isVideo);
    if (videos.length > 0) writeFileWhole(join(out, 'frames.csv'), [framesCsv(videos)]);
    if (several) {
      const note = `Altered from a probability of ${thresholdInWords(threshold)}.`;
      writeFileWhole(join(out, sheetName), [encodePng(sheet.picture(note))]);
    }
  }
  if (json) {
    console.log(JSON.stringify(whole));
    return;
  }
  const said = findings.filter(({ verdict }) => verdict !== null);
  const width = Math.max(0, ...said.map(({ file }) => file.length));
  for (const finding of said) {
    for (const line of linesOf(finding)) console.log(`${finding.file.padEnd(width)}  ${line}`);
  }
  if (out !== undefined && said.length > 0) {
    console.log(`Pictures and results are in ${out}.`);
    if (several) console.log(`All faces on one sheet: ${join(out, sheetName)}`);
  }
  console.log(`Altered from a probability of ${thresholdInWords(threshold)}.`);
  console.log(meaningInWords(threshold));
  console.log(scope);
}
