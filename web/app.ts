/** The page: what is given to the engine, and what is shown of its answers. */
import { version } from '../src/base/version.ts';
import type { LoadProgress } from '../src/detect/detector.ts';
import { scope, uncalibrated } from '../src/detect/verdict.ts';
import { $, element, save } from './dom.ts';
import { Engine } from './engine.ts';
import type { About, Looked, ToldFace, ToldFaces } from './engine.worker.ts';
import { Explorer } from './explorer.ts';
import { CamView } from './gradcam.ts';
import { type Given, takeIn } from './input.ts';
import { drawMask, sayMask } from './mask.ts';
import { CallError } from './messages.ts';
import { saveJson, saveReport } from './save.ts';
import { drawStage, labelFaces, type Shown } from './stage.ts';
import { TrainingView } from './train.ts';
import { sayNothing, sayVerdict, verdictAt, worth } from './verdict.ts';
import { VideoView } from './video.ts';

/** What is being looked at. */
interface Look {
  given: Given;
  shown?: Shown;
  faces: ToldFace[];
  count: number;
  chosen: number;
  looked?: Looked;
}

let about: About | undefined;
let look: Look | undefined;
/** The video that is being looked at, where it is none of the pictures. */
let film: File | undefined;
let threshold = uncalibrated;
let asking = new AbortController();
let drawMaskAt: (opacity: number) => void = () => {};
const explorer = new Explorer();
const opacity = $<HTMLInputElement>('opacity');
const slider = $<HTMLInputElement>('threshold');

/** Says what is going on; nothing where that is all done. */
function status(text: string | null, part?: number): void {
  $('status').hidden = text === null;
  if (text !== null && $('status-text').textContent !== text) $('status-text').textContent = text;
  const bar = $<HTMLProgressElement>('status-bar');
  if (part === undefined) bar.removeAttribute('value');
  else bar.value = part;
}

/** Says what went wrong, and the way out as a button. */
function problem(text: string | null, way?: [label: string, go: () => void]): void {
  $('problem').hidden = text === null;
  $('problem-text').textContent = text ?? '';
  const button = $('problem-way');
  button.hidden = !way;
  if (!way) return;
  button.textContent = way[0];
  button.onclick = () => {
    problem(null);
    way[1]();
  };
}

const reload: [string, () => void] = ['Reload the page', () => location.reload()];

function explain(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  status(null);
  if (error instanceof CallError && error.expected) problem(error.message);
  else problem(`Something broke that should not have: ${(error as Error).message}`, reload);
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Networks that are being fetched, by their kind. */
const fetched = new Map<string, LoadProgress>();

const engine = new Engine({
  onProgress(progress) {
    if (progress.what === 'network') fetched.clear();
    else fetched.set(progress.what, progress);
    const all = [...fetched.values()];
    const [loaded, total] = [all, all].map((list, k) =>
      list.reduce((sum, each) => sum + (k === 0 ? each.loaded : each.total), 0),
    );
    if (loaded < total) {
      status(`Loading the networks: ${megabytes(total)} MB, once`, loaded / total);
    } else status('Making the networks ready on this machine’s graphics adapter …');
  },
  onReady(now) {
    about = now;
    threshold = now.threshold?.value ?? uncalibrated;
    slider.value = String(threshold);
    if (!look && !film) status(null);
    sayNetwork(now);
    cams.offer(now.config);
  },
  onLost(message, again) {
    asking.abort();
    if (again) {
      status('The graphics adapter was lost; starting again …');
      engine.ready.then(lookAgain, explain);
    } else {
      status(null);
      problem(`${message}\nIt was lost twice within a minute: another program may be taking it.`, [
        'Start again',
        () => engine.restart().then(lookAgain, explain),
      ]);
    }
  },
  onBroken: (message) => problem(`The engine stopped: ${message}`, reload),
});

const cams = new CamView((crop, tap) => engine.cam(crop, tap));

function lookAgain(): void {
  problem(null);
  if (film) startVideo(film);
  else if (look) start(look.given);
}

function sayNetwork({ weights, config: { size }, adapter, software, milliseconds }: About): void {
  const own = weights === null;
  $('network-text').textContent =
    (own
      ? 'The one that comes with the page. It is at the beginning of its training: a second opinion at most, and no evidence. '
      : `${weights}. `) +
    `It looks at faces of ${size} x ${size} pixels. On ${adapter}${software ? ' (a software driver: right, but slow)' : ''}; ready in ${(milliseconds / 1000).toFixed(1)} s.`;
  $('own-weights').hidden = own;
}

/** What can be saved is there when all of a picture has been looked at. */
function letSave(ready: boolean): void {
  for (const id of ['download', 'download-html']) $<HTMLButtonElement>(id).disabled = !ready;
}

/** Ends what is being looked at, and what is shown of it. */
function leave(): AbortController {
  asking.abort();
  asking = new AbortController();
  problem(null);
  look?.shown?.bitmap.close();
  letSave(false);
  look = undefined;
  film = undefined;
  video.hide();
  $('result').hidden = true;
  return asking;
}

/** Looks at a video in place of what was before. */
async function startVideo(file: File): Promise<void> {
  const own = leave();
  film = file;
  try {
    await video.start(file, own.signal);
  } catch (error) {
    if (asking === own) explain(error);
  }
}

/** Looks at a picture in place of what was before. */
async function start(given: Given): Promise<void> {
  const { signal } = leave();
  const current: Look = { given, faces: [], count: 0, chosen: 0 };
  look = current;
  if (about) status('Looking for faces …');
  try {
    await engine.ready;
    if (signal.aborted) return;
    status('Looking for faces …');
    current.looked = await engine.look(given, {
      signal,
      onTold(told) {
        if (look !== current) return;
        if ('faces' in told) showPicture(current, told.faces);
        else showFace(current, told.face);
      },
    });
    if (look !== current) return;
    letSave(true);
    finish(current, current.looked);
  } catch (error) {
    if (look === current) explain(error);
  }
}

function showPicture(current: Look, { image, boxes, width }: ToldFaces): void {
  current.shown = { bitmap: image, scale: image.width / width };
  current.count = boxes.length;
  document.body.classList.add('seen');
  $('result').hidden = false;
  $('maps').hidden = true;
  $('judged').hidden = true;
  cams.show(undefined);
  drawStage(current.shown, boxes, (k) => choose(k));
  // On a small screen it lies below what was pressed.
  if (innerWidth < 700) $('result').scrollIntoView({ block: 'start' });
  labelFaces([], 0);
  $('stage-note').textContent =
    boxes.length > 1 ? `${boxes.length} faces: choose one to read about it.` : '';
  $('verdict').replaceChildren();
  status(boxes.length === 0 ? null : `Judging ${boxes.length > 1 ? 'the faces' : 'the face'} …`);
}

function showFace(current: Look, face: ToldFace): void {
  current.faces.push(face);
  if (current.count > 1) {
    status(
      `Judging the faces: ${current.faces.length} of ${current.count}`,
      current.faces.length / current.count,
    );
  }
  if (current.faces.length === 1) choose(0);
  else label(current);
}

const label = (current: Look) =>
  labelFaces(
    current.faces.map(
      ({ finding }) => verdictAt(finding, about?.threshold ?? null, threshold).verdict,
    ),
    current.chosen,
  );

function finish(current: Look, { finding, milliseconds }: Looked): void {
  status(null);
  if (finding.verdict === 'no face found') sayNothing('no face found', null);
  details(current, milliseconds);
}

/** Shows what is said of one face. */
function choose(k: number): void {
  const face = look?.faces[k];
  if (!look?.shown || !face || !about) return;
  look.chosen = k;
  label(look);
  const which = look.count > 1 ? `Face ${k + 1}. ` : '';
  const verdict = sayVerdict(face.finding, about.threshold, threshold, which);
  const { mask, dissimilarity, square, crop } = face;
  $('maps').hidden = !mask && !dissimilarity;
  $('mask-card').hidden = !mask;
  $('explorer-card').hidden = !dissimilarity;
  if (mask) {
    drawMaskAt = drawMask(look.shown, square, mask, about.config.size);
    drawMaskAt(Number(opacity.value));
    sayMask(face.finding.alteredShare ?? 0, verdict === 'altered', about.threshold);
  }
  if (dissimilarity) explorer.show(look.shown, square, dissimilarity);
  cams.show(crop ? { shown: look.shown, square, crop } : undefined);
}

function details(current: Look, { find, judge }: Looked['milliseconds']): void {
  if (!about) return;
  $('meaning').textContent = worth(about.threshold);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const { given, looked } = current;
  const entries: [string, string][] = [
    ['Picture', given.name],
    ['Its SHA-256', looked?.finding.sha256 ?? 'none: it is no file'],
    ['Adapter', `${about.adapter}${about.software ? ' (software)' : ''}`],
    ['Time', `${seconds(find)} to find faces, ${seconds(judge)} to judge them`],
    ['Network', about.weights ?? 'the one that comes with the page'],
    ['Its SHA-256', about.sha256 ?? 'unknown'],
    ['Program', `llsm ${version}`],
  ];
  $('details').replaceChildren(
    ...entries.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );
}

/** What `llsm detect --json` prints of a video, at the network's own threshold. */
function videoReport(): string {
  const whole = {
    version,
    adapter: about?.adapter,
    weights: about?.weights,
    weightsSha256: about?.sha256,
    threshold: about?.threshold ?? { rule: 'uncalibrated', value: uncalibrated },
    scope,
    ...video.report(),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

async function loadWeights(file?: File): Promise<void> {
  problem(null);
  // A network waits for what is asked of the one before, and a video is long.
  const again = film;
  if (again) leave();
  film = again;
  status('Loading the network …');
  try {
    await engine.load(file);
    status(null);
    lookAgain();
  } catch (error) {
    explain(error);
  }
}

const video = new VideoView({
  ...{ engine, status, about: () => about },
  stop() {
    leave();
    status(null);
  },
});
takeIn({
  onPicture: start,
  onVideo: startVideo,
  onWeights: loadWeights,
  onProblem: (message) => problem(message),
});
opacity.addEventListener('input', () => drawMaskAt(Number(opacity.value)));
const move = (value: number) => {
  threshold = value;
  slider.value = String(value);
  if (look) choose(look.chosen);
};
slider.addEventListener('input', () => move(Number(slider.value)));
$('threshold-back').addEventListener('click', () => move(about?.threshold?.value ?? uncalibrated));
$('download').addEventListener('click', () => {
  if (look?.looked && about) saveJson(look.looked.finding, about, threshold);
});
$('video-download').addEventListener('click', () =>
  save(`${film?.name ?? 'video'}.llsm.json`, videoReport(), 'application/json'),
);
$('download-html').addEventListener('click', () => {
  if (!look?.looked || !look.shown || !about) return;
  const { shown, faces, looked } = look;
  saveReport({
    ...{ shown, faces, finding: looked.finding, about, threshold },
    camOf: ({ crop }) => (crop ? cams.of(crop) : undefined),
  }).catch(explain);
});
$('other').addEventListener('click', () => {
  scrollTo({ top: 0 });
  $('choose').focus();
});
$('own-weights').addEventListener('click', () => loadWeights());
const training = new TrainingView((file) => {
  location.hash = '#look';
  loadWeights(file);
});
/** Shows the view that the address names. */
function openView(): void {
  const train = location.hash === '#train';
  $('look').hidden = train;
  $('train').hidden = !train;
  for (const link of document.querySelectorAll('nav a')) {
    const here = link.getAttribute('href') === (train ? '#train' : '#look');
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (train) training.open();
}
addEventListener('hashchange', openView);
openView();
$('scope').textContent = scope;
status('Loading the networks …');
engine.ready.catch((error) => {
  explain(error);
  for (const button of document.querySelectorAll<HTMLButtonElement>('#intake button')) {
    button.disabled = true;
  }
});
