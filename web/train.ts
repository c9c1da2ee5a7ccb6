/** The view in which a network is trained: curves, faces whose masks get better, pause and save. */
import type { Metrics } from '../src/train/state.ts';
import type { Preview } from '../src/train/train.ts';
import { Asking } from './ask.ts';
import { chart } from './chart.ts';
import { $, element, save, score, sized } from './dom.ts';
import { tinted } from './mask.ts';
import { CallError } from './messages.ts';
import type { RunSummary, TrainingTold } from './training.worker.ts';

/** The run's seed: the people of two runs differ. */
const newSeed = () => Math.floor(Math.random() * 2 ** 31);

/** The training view, which starts its worker when it is first opened. */
export class TrainingView {
  #worker: Asking | undefined;
  #summary: RunSummary | null = null;
  #running: AbortController | undefined;
  #metrics: Metrics[] = [];
  #started = { at: 0, step: 0 };

  /** @param onNetwork takes the trained network for looking at pictures */
  constructor(private readonly onNetwork: (file: File) => void) {
    $('train-start').addEventListener('click', () => this.#begin());
    $('train-own').addEventListener('click', () => $('train-folder').click());
    const folder = $<HTMLInputElement>('train-folder');
    folder.addEventListener('change', () => {
      this.#begin([...(folder.files ?? [])]);
      folder.value = '';
    });
    $('train-pause').addEventListener('click', () => this.#running?.abort());
    $('train-go').addEventListener('click', () => this.#run());
    $('train-save').addEventListener('click', async () => {
      const parts = await this.#weights();
      if (parts) save('trained.safetensors', new Blob(parts), 'application/octet-stream');
    });
    $('train-use').addEventListener('click', async () => {
      const parts = await this.#weights();
      if (parts) this.onNetwork(new File(parts, 'trained.safetensors'));
    });
    $('train-forget').addEventListener('click', async () => {
      await this.#ask<void>('forget', {});
      this.#show(null);
      this.#say('');
    });
  }

  /** Opens the view: what was begun on an earlier visit is there. */
  async open(): Promise<void> {
    if (this.#worker) return;
    this.#say('Looking for a run of an earlier visit …');
    try {
      this.#show(await this.#ask<RunSummary | null>('kept', {}));
      this.#say(this.#summary ? 'This run was kept from an earlier visit.' : '');
    } catch (error) {
      this.#show(null);
      this.#explain(error);
    }
  }

  #ask<Answer>(
    call: string,
    given: unknown,
    options?: { signal?: AbortSignal; onTold?(told: never): void },
  ): Promise<Answer> {
    if (!this.#worker) {
      const url = new URL('training.worker.js', import.meta.url);
      this.#worker = new Asking(url, (message) => this.#say(`Training stopped: ${message}`));
      this.#worker.on('lost', (message: string) => this.#lost(message));
    }
    return this.#worker.ask<Answer>(call, given, options);
  }

  /** What was saved last is gone on with by a new worker. */
  async #lost(message: string): Promise<void> {
    this.#worker?.end();
    this.#worker = undefined;
    await this.open();
    this.#say(`${message} The run is kept as it was saved last: go on with it.`);
  }

  async #begin(files?: File[]): Promise<void> {
    if (files?.length === 0) return;
    const control = this.#busy(true);
    const people = Number($<HTMLSelectElement>('train-people').value);
    this.#say(files ? 'Finding the faces on your pictures …' : 'Drawing people …');
    try {
      const summary = await this.#ask<RunSummary>(
        'begin',
        { people, seed: newSeed(), files },
        {
          signal: control.signal,
          onTold: ({ faces: [done, total] }: { faces: [number, number] }) =>
            this.#bar(done / total),
        },
      );
      this.#show(summary);
      await this.#run();
    } catch (error) {
      this.#busy(false);
      this.#explain(error);
    }
  }

  async #run(): Promise<void> {
    const control = this.#busy(true);
    this.#say('Making the network ready …');
    this.#started = { at: 0, step: 0 };
    try {
      const summary = await this.#ask<RunSummary>(
        'run',
        {},
        { signal: control.signal, onTold: (told: TrainingTold) => this.#told(told) },
      );
      this.#show(summary);
      const done = summary.step >= summary.total;
      this.#say(done ? 'Done: all steps are trained.' : `Paused and kept at step ${summary.step}.`);
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#busy(false);
    }
  }

  #told(told: TrainingTold): void {
    if (!('step' in told) || !this.#summary) return;
    const { step, metrics } = told;
    if ('previews' in told) {
      this.#faces(told.previews);
      return;
    }
    this.#metrics.push(metrics);
    this.#bar(step / this.#summary.total);
    if (typeof metrics.loss !== 'number') return;
    const now = performance.now();
    if (this.#started.at === 0) this.#started = { at: now, step };
    const rate = ((step - this.#started.step) * 1000) / (now - this.#started.at);
    const speed = rate > 0 ? `, ${(rate * this.#summary.batch).toFixed(1)} faces a second` : '';
    $('train-step').textContent =
      `Step ${step} of ${this.#summary.total}, loss ${score(metrics.loss)}${speed}`;
    if (step % 10 === 0) this.#say(`Training: step ${step} of ${this.#summary.total}.`);
    this.#charts();
  }

  #show(summary: RunSummary | null): void {
    this.#summary = summary;
    this.#metrics = summary ? [...summary.metrics] : [];
    $('train-new').hidden = summary !== null;
    $('train-now').hidden = summary === null;
    this.#buttons();
    if (!summary) return;
    const { step, total, trained, measured } = summary;
    $('train-step').textContent = `Step ${step} of ${total}`;
    $('train-data').textContent =
      `${trained} pictures to train on, each forged anew whenever it is seen; ${measured} of other people to measure on.`;
    this.#bar(step / total);
    this.#charts();
  }

  /** @returns what ends the work that is now under way */
  #busy(busy: boolean): AbortController {
    this.#running = busy ? new AbortController() : undefined;
    this.#buttons();
    return this.#running ?? new AbortController();
  }

  #buttons(): void {
    const busy = this.#running !== undefined;
    const { step, total } = this.#summary ?? { step: 0, total: 1 };
    for (const id of ['train-start', 'train-own', 'train-people', 'train-forget']) {
      $<HTMLButtonElement>(id).disabled = busy;
    }
    $('train-pause').hidden = !busy;
    $('train-go').hidden = busy || step >= total;
    for (const id of ['train-save', 'train-use']) {
      $<HTMLButtonElement>(id).disabled = busy || step === 0;
    }
  }

  #charts(): void {
    const series = (key: string) =>
      this.#metrics.flatMap(({ step, [key]: value }) =>
        typeof value === 'number' ? [[step, value] as const] : [],
      );
    const last = this.#metrics.at(-1)?.step ?? 0;
    const [loss, val, auc] = ['loss', 'valLoss', 'valAuc'].map(series);
    const latest = (points: readonly (readonly [number, number])[]) =>
      points.length > 0 ? score(points[points.length - 1][1]) : 'not known yet';
    $('train-loss').replaceChildren(
      chart(
        [
          { name: 'training', points: loss },
          { name: 'people not trained on', points: val },
        ],
        { last, range: [0, null], words: `Loss, now ${latest(loss)}` },
      ),
    );
    $('train-auc').replaceChildren(
      chart([{ name: 'AUC', points: auc }], {
        ...{ last, range: [0, 1] },
        words: `AUC on people not trained on, now ${latest(auc)}`,
      }),
    );
  }

  #faces(previews: readonly Preview[]): void {
    $('train-faces').replaceChildren(
      ...previews.map(({ image, truth, label, probability, mask }) => {
        const size = image.width;
        const draw = (values?: Float32Array) => {
          const canvas = element('canvas');
          canvas.setAttribute('role', 'img');
          const context = sized(canvas, size, size);
          const pixels = context.createImageData(size, size);
          for (let i = 0; i < size * size; i++) {
            for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = image.data[3 * i + c];
            pixels.data[4 * i + 3] = 255;
          }
          context.putImageData(pixels, 0, 0);
          if (values) context.drawImage(tinted(values, size), 0, 0);
          return canvas;
        };
        const [plain, right, found] = [draw(), draw(truth), draw(mask)];
        plain.setAttribute('aria-label', label === 1 ? 'A forged face' : 'A real face');
        right.setAttribute('aria-label', 'Where it was altered');
        found.setAttribute('aria-label', 'Where the network says so');
        return element(
          'figure',
          {},
          element('div', { className: 'three' }, plain, right, found),
          element(
            'figcaption',
            {},
            `${label === 1 ? 'forged' : 'real'}: score ${score(probability)}`,
          ),
        );
      }),
    );
    $('train-faces-note').hidden = previews.length === 0;
  }

  async #weights(): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
    try {
      return await this.#ask('weights', {});
    } catch (error) {
      this.#explain(error);
      return undefined;
    }
  }

  #bar(part: number): void {
    $<HTMLProgressElement>('train-bar').value = part;
  }

  #say(text: string): void {
    $('train-status').textContent = text;
  }

  #explain(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') this.#say('Stopped.');
    else if (error instanceof CallError && error.expected) this.#say(error.message);
    else
      this.#say(
        `Something broke that should not have: ${(error as Error).message}. Reload the page.`,
      );
  }
}
