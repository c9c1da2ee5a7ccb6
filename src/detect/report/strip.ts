/** A face's scores on a line from 0 to 1, as an SVG element for a page. */
import type { Threshold } from '../../model/llsm/checkpoint.ts';
import type { View } from '../finding.ts';
import { uncalibrated } from '../verdict.ts';
import { escapeHtml } from './html.ts';

/** What is drawn of a threshold. */
export type StripThreshold = Pick<Threshold, 'value' | 'unsure'>;

const [left, width, height] = [10, 440, 58];

/**
 * The score of each view as a dot, the face as it is larger; the threshold as a line; the band in which
 * verdicts were measured to err as a stripe.
 */
export function scoreStrip(views: readonly View[], threshold?: StripThreshold): string {
  const value = threshold?.value ?? uncalibrated;
  const at = (score: number): string => (left + score * width).toFixed(1);
  const band = threshold?.unsure;
  const stripe = band
    ? `<rect x="${at(band.from)}" y="14" width="${((band.to - band.from) * width).toFixed(1)}" height="20" class="band"/>`
    : '';
  const dots = [...views]
    .reverse()
    .map(({ name, probability }, k) => {
      const first = k === views.length - 1;
      const title = `${name}: ${probability.toFixed(3)}`;
      return (
        `<circle cx="${at(probability)}" cy="24" r="${first ? 6 : 4}" class="${first ? 'own' : 'view'}">` +
        `<title>${escapeHtml(title)}</title></circle>`
      );
    })
    .join('');
  const said = views.map(({ name, probability }) => `${name} ${probability.toFixed(3)}`).join(', ');
  const anchor = value < 0.25 ? 'start' : value > 0.75 ? 'end' : 'middle';
  return (
    `<svg class="strip" viewBox="0 0 ${width + 2 * left} ${height}" role="img" ` +
    `aria-label="${escapeHtml(`Scores: ${said}; threshold ${value.toFixed(3)}`)}">` +
    `${stripe}<line x1="${at(0)}" x2="${at(1)}" y1="24" y2="24" class="axis"/>` +
    `<line x1="${at(value)}" x2="${at(value)}" y1="10" y2="38" class="bound"/>${dots}` +
    `<text x="${at(0)}" y="52">0</text><text x="${at(1)}" y="52" text-anchor="end">1</text>` +
    `<text x="${at(value)}" y="52" text-anchor="${anchor}">threshold ${value.toFixed(3)}</text></svg>`
  );
}
