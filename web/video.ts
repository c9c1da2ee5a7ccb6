/** A video on the page: how far it is, what is said of it, its tracks over time, and its worst frame. */

import type { Verdict, VideoFinding } from '../src/detect/finding.ts';
import { verdictColours } from '../src/detect/verdict.ts';
import { $, element, score, sized } from './dom.ts';
import type { Engine } from './engine.ts';
import type { About } from './engine.worker.ts';
import type { ShownFrame, ToldOfVideo, Watched } from './watch.ts';

/** One frame in so many is looked at, as in `llsm detect`. */
const every = 10;
/** Frames that are looked at, at most. */
const most = 120;

/** What each verdict on a video means to somebody who has never seen one. */
const meanings: Record<Verdict, string> = {
  altered:
    'At least one of its faces looks altered. Many faces are many chances to be wrong: read of each below.',
  'nothing found':
    'Nothing that this network knows of was found on any of its faces. That is no proof that the video is genuine.',
  unsure:
    'The frames or the views of a face do not agree, or such scores are often wrong. Take it as no answer.',
  'face too small':
    'Its faces have too few pixels to say anything. Use a larger version of the video.',
  'no face found': 'No face was found on the frames that were looked at, so nothing was judged.',
};

export interface VideoPage {
  engine: Engine;
  about(): About | undefined;
  /** Says how far it is; nothing where that is all done. */
  status(text: string | null, part?: number): void;
  /** Ends what is being looked at. */
  stop(): void;
}

/** What is shown of the video that was given last. */
export class VideoView {
  #watched: Watched | undefined;
  #worst: ShownFrame | undefined;

  constructor(private readonly page: VideoPage) {}

  hide(): void {
    $('video').hidden = true;
    $('video-stop').hidden = true;
    this.#worst?.image.close();
    this.#worst = undefined;
    this.#watched = undefined;
  }

  /**
   * Looks at a video in place of the one before.
   * @throws CallError where it cannot be looked at; an AbortError where it is aborted
   */
  async start(file: File, signal: AbortSignal): Promise<void> {
    const { engine, status } = this.page;
    this.hide();
    const stop = $('video-stop');
    stop.onclick = () => this.page.stop();
    if (this.page.about()) status('Opening the video …');
    await engine.ready;
    signal.throwIfAborted();
    stop.hidden = false;
    status('Opening the video …');
    try {
      const onTold = (told: ToldOfVideo) => {
        if (!signal.aborted) this.#tell(told);
      };
      const watched = await engine.watch({ file, every, most }, { signal, onTold });
      signal.throwIfAborted();
      this.#watched = watched;
      await this.#show(watched, signal);
      status(null);
    } finally {
      if (!signal.aborted) stop.hidden = true;
    }
  }

  /** What `llsm detect --json` says of a video; undefined before it is known. */
  report(): { every: number; maxFrames: number; results: VideoFinding[] } | undefined {
    if (!this.#watched) return undefined;
    return { every, maxFrames: most, results: [this.#watched.finding] };
  }

  #tell(told: ToldOfVideo): void {
    if ('worst' in told) {
      this.#draw(told.worst);
      return;
    }
    const { looked, time, part } = told.progress;
    const frames = looked === 1 ? '1 frame' : `${looked} frames`;
    this.page.status(`Looking at the video: ${frames}, until ${time.toFixed(1)} s`, part);
  }

  /** Draws the frame with a box about each face, in the colour of its own verdict. */
  #draw(worst: ShownFrame): void {
    this.#worst?.image.close();
    this.#worst = worst;
    const { image, width, frame, time, faces } = worst;
    document.body.classList.add('seen');
    $('video').hidden = false;
    $('video-judged').hidden = true;
    const context = sized($<HTMLCanvasElement>('video-frame'), image.width, image.height);
    context.drawImage(image, 0, 0);
    const scale = image.width / width;
    const line = Math.max(2, Math.round(Math.max(image.width, image.height) / 320));
    context.lineWidth = line;
    context.font = `600 ${7 * line}px system-ui, sans-serif`;
    context.textBaseline = 'bottom';
    for (const { box, track, probability, verdict } of faces) {
      if (!box) continue;
      const [x, y, w, h] = box.map((value) => value * scale);
      const colour = `rgb(${verdictColours[verdict].join(',')})`;
      context.strokeStyle = colour;
      context.strokeRect(x, y, w, h);
      const text = `${track + 1}${probability === null ? '' : `: ${score(probability)}`}`;
      const [left, base] = [Math.max(0, x), Math.max(9 * line, y)];
      context.fillStyle = '#000b';
      context.fillRect(left, base - 9 * line, context.measureText(text).width + 4 * line, 9 * line);
      context.fillStyle = '#fff';
      context.fillText(text, left + 2 * line, base - line);
    }
    const scores = faces.flatMap(({ probability }) => probability ?? []);
    const where = `Frame ${frame}, at ${time.toFixed(2)} s`;
    $('video-frame-note').textContent =
      scores.length > 0
        ? `${where}: the one with the highest score, ${score(Math.max(...scores))}. Beside each box are its track and score.`
        : `${where}. No face has a score yet.`;
  }

  async #show(watched: Watched, signal: AbortSignal): Promise<void> {
    const { finding } = watched;
    const about = this.page.about();
    const threshold = about?.threshold ?? undefined;
    sayVideo(watched);
    listTracks(finding);
    // Plots are fetched when there is something to plot.
    const { timelinePlot } = await import('../src/detect/timeline.ts');
    signal.throwIfAborted();
    const title = `one frame in ${every}`;
    const svg = new Blob([timelinePlot(finding, { title, threshold })], { type: 'image/svg+xml' });
    const image = $<HTMLImageElement>('video-timeline');
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(svg);
    if (finding.frames.every(({ probability }) => probability === null)) {
      $('video-frame-note').textContent = 'The first frame. No face was scored.';
    }
    $('video-judged').hidden = false;
    $('video').hidden = false;
  }
}

/** The verdict, what was looked at, and what went wrong on the way. */
function sayVideo({ finding, more }: Watched): void {
  const { verdict, probability, tracks, frames, error } = finding;
  const told = verdict ?? 'no face found';
  const faces = tracks.length === 1 ? 'one track' : `${tracks.length} tracks`;
  const last = frames.at(-1)?.time.toFixed(1);
  $('video-verdict').replaceChildren(
    element('p', { className: `word ${told.replaceAll(' ', '-')}` }, told),
    ...(probability === null
      ? []
      : [
          element(
            'p',
            {},
            `Score ${score(probability)}, the highest of ${faces}, where 0 is nothing found and 1 is surely altered.`,
          ),
        ]),
    element('p', {}, meanings[told]),
    element(
      'p',
      { className: 'quiet' },
      `${frames.length} frames were looked at, one in ${every}, until ${last} s.` +
        (more
          ? ` The video goes on: more than ${most} frames are not looked at here; \`llsm detect\` has no such limit.`
          : ''),
    ),
    ...(error ? [element('p', { id: 'video-error' }, `${error.message}.`)] : []),
  );
}

/** A line a track. */
function listTracks({ tracks, faces }: VideoFinding): void {
  const table = $('video-tracks');
  table.hidden = tracks.length === 0;
  const rows = tracks.map(({ faces: places, probability, verdict, note }, k) => {
    const [from, to] = [places[0], places[places.length - 1]].map((place) => faces[place].time);
    const cells = [
      `${from.toFixed(1)} to ${to.toFixed(1)} s`,
      String(places.length),
      probability === null ? 'none' : score(probability),
      note ? `${verdict}: ${note}` : verdict,
    ];
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, `Track ${k + 1}`),
      ...cells.map((cell) => element('td', {}, cell)),
    );
  });
  table.querySelector('tbody')?.replaceChildren(...rows);
}
