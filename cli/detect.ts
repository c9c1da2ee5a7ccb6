import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CaseReport, weightsAbout } from '../node/detect/case-report.ts';
import { lookAtFiles } from '../node/detect/detect-files.ts';
import { lookAtVideo } from '../node/detect/detect-video.ts';
import { findingsCsv } from '../node/detect/findings-csv.ts';
import { framesCsv } from '../node/detect/frames-csv.ts';
import { listSources, type Source } from '../node/detect/sources.ts';
import { drawPictures } from '../node/detect/write-pictures.ts';
import { readCheckpoint } from '../node/files/checkpoint.ts';
import { drawPng } from '../node/files/drawing.ts';
import { loadFinder } from '../node/files/finder.ts';
import { defaultWeights } from '../node/files/weights.ts';
import { Progress } from '../node/system/progress.ts';
import { makeFolder, writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';
import type { Examiner } from '../src/detect/examiner.ts';
import { type Finding, isVideo } from '../src/detect/finding.ts';
import { type VideoRule, videoRules } from '../src/detect/pooling.ts';
import { madeNow } from '../src/detect/report/about.ts';
import { timelinePlot } from '../src/detect/timeline.ts';
import {
  maskThreshold,
  meaningInWords,
  scope,
  thresholdInWords,
  uncalibrated,
} from '../src/detect/verdict.ts';
import { viewsFor } from '../src/detect/views.ts';
import { type FacePlace, FixedPlace } from '../src/faces/place.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import { ContactSheet, type FoundFace } from '../src/measure/report/sheet.ts';
import type { Checkpoint } from '../src/model/llsm/checkpoint.ts';
import { leftOut } from '../src/model/llsm/positions.ts';
import { parseFacesOrAuto, precisionOption, wholeNumber } from './arguments.ts';
import { linesOf, timesInWords } from './detect-lines.ts';

interface Options {
  weights?: string;
  faces: FacePlace | 'auto';
  finder?: string;
  out?: string;
  report?: string;
  cam?: string;
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
    .option(
      '--report <file>',
      'one HTML page of the case, with pictures, to keep, print and hand on',
    )
    .option(
      '--cam <tap>',
      'with --out or --report: also where the score comes from (Grad-CAM) at a feature map, such as d1 ' +
        '(quick) or block11',
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
  const { report: page } = options;
  if (page !== undefined && paths.some((path) => resolve(path) === resolve(page))) {
    throw new UsageError(`--report ${page} is also read: name another file`);
  }
  if (options.cam !== undefined && out === undefined && options.report === undefined) {
    throw new UsageError('--cam makes pictures: say where with --out or --report');
  }
  const checkpoint = openWeights(options.weights);
  const sources = listSources(paths, out);
  const { openGpu } = await import('./gpu.ts');
  const { FaceScorer } = await import('../src/detect/scorer.ts');
  const { Examiner } = await import('../src/detect/examiner.ts');
  const gpu = await openGpu();
  if (out !== undefined) makeFolder(out);
  if (page !== undefined) makeFolder(dirname(page));
  const wanted = out !== undefined || options.report !== undefined;
  const note = leftOut(checkpoint.config);
  if (wanted && note) console.error(`llsm: ${note}`);
  const { threshold } = checkpoint;
  const views = viewsFor(options.views);
  const anyVideo = sources.some(({ video }) => video);
  const most = anyVideo ? options.batch : Math.max(1, sources.length * views.length);
  const batch = Math.min(options.batch, most);
  const detector = await FaceScorer.build(gpu, checkpoint, {
    batch,
    dissimilarity: wanted && sources.some(({ video }) => !video),
    cam: options.cam,
    precision: options.precision,
  });
  const { faces } = options;
  const finder = faces === 'auto' ? await loadFinder(gpu, options.finder) : new FixedPlace(faces);
  const examiner = new Examiner(detector, finder, { threshold, views });
  const found: Found = { findings: [], sheet: new ContactSheet(), page: new CaseReport() };
  await look(examiner, sources, options, found).finally(
    // What was found before a failure is not lost.
    () => report(found, gpu, checkpoint, options),
  );
  const { findings } = found;
  const failed = findings.filter(({ error, verdict }) => error && verdict === null).length;
  const broken = findings.filter(({ error, verdict }) => error && verdict !== null).length;
  const told = [
    ...(failed > 0 ? [`${failed} of ${findings.length} could not be looked at`] : []),
    ...(broken > 0 ? [`${broken} of ${findings.length} not to the end`] : []),
  ];
  if (told.length > 0) throw new LlsmError(`${told.join(', ')}; see above`);
}

/** What was found until now. */
interface Found {
  findings: Finding[];
  sheet: ContactSheet;
  page: CaseReport;
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
    if (pictures.length > 0) await lookPictures(examiner, pictures, options, found);
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
  options: Options,
  { findings, page }: Found,
): Promise<void> {
  const { every, maxFrames = Number.POSITIVE_INFINITY, videoScore: rule, out } = options;
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
    if (options.report !== undefined) {
      const title = basename(source.path);
      const timeline = timelinePlot(finding, { title, threshold: examiner.threshold });
      page.add(finding, finding.tracks.length > 0 ? { faces: [], timeline } : undefined);
    }
    if (finding.error) tell(finding.error.message);
    if (finding.frames.length > 0) tell(`${source.path}: ${timesInWords(finding)}`);
  } finally {
    bar?.stop();
  }
}

async function lookPictures(
  examiner: Examiner,
  sources: readonly Source[],
  { out, report: wanted }: Options,
  { findings, sheet, page }: Found,
): Promise<void> {
  const { length: total } = sources;
  const { size, batch } = examiner.detector;
  const bar = total > batch ? new Progress({ label: 'pictures', total }) : undefined;
  let done = 0;
  try {
    const from = maskThreshold(examiner.threshold);
    const onFace = (face: FoundFace) => {
      if (out !== undefined) sheet.add(face);
    };
    const pictured = out !== undefined || wanted !== undefined;
    for await (const looked of lookAtFiles(examiner, sources, pictured)) {
      const { finding } = looked;
      const report = wanted !== undefined && page.open;
      const pictures =
        out !== undefined || report
          ? await drawPictures(looked, { size, from, out, report, onFace })
          : undefined;
      if (wanted !== undefined) page.add(finding, pictures);
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

async function report(
  { findings, sheet, page }: Found,
  gpu: Gpu,
  checkpoint: Checkpoint,
  options: Options,
): Promise<void> {
  const { out, json } = options;
  const { threshold } = checkpoint;
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
      writeFileWhole(join(out, sheetName), [await drawPng(sheet.picture(note))]);
    }
  }
  if (options.report !== undefined) {
    page.write(options.report, {
      ...{ made: madeNow(), version, adapter: gpu.name, threshold },
      weights: weightsAbout(options.weights ?? defaultWeights(), checkpoint),
      settings: settingsOf(options),
    });
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
  if (options.report !== undefined) console.log(`The report: ${options.report}`);
  console.log(`Altered from a probability of ${thresholdInWords(threshold)}.`);
  console.log(meaningInWords(threshold));
  console.log(scope);
}

/** How the detector was asked, in words, for a report. */
const settingsOf = ({
  faces,
  finder,
  views,
  precision,
  every,
  videoScore,
  cam,
}: Options): [string, string][] => [
  ['Faces', typeof faces === 'string' ? faces : JSON.stringify(faces)],
  ['Face finder', faces === 'auto' ? (finder ?? 'the one that comes with llsm') : 'none'],
  ['Views', viewsFor(views).join(', ')],
  ['Precision', precision],
  ['Of videos', `one frame in ${every}, a track by the ${videoScore} of its frames`],
  ...(cam !== undefined ? [['Grad-CAM at', cam] as [string, string]] : []),
];
