/** What is said of the chosen face, at the threshold that the reader sets. */
import type { FaceFinding, Verdict } from '../src/detect/finding.ts';
import { judge, meaningInWords, thresholdInWords, uncalibrated } from '../src/detect/verdict.ts';
import type { Threshold } from '../src/model/llsm/checkpoint.ts';
import { $, element, percent, score } from './dom.ts';

/** What each verdict means to somebody who has never seen one. */
const meanings: Record<Verdict, string> = {
  altered: 'Parts of this face look as if they did not come from the same picture as the rest.',
  'nothing found':
    'Nothing that this network knows of was found. That is no proof that the face is genuine.',
  unsure:
    'The views of this face do not agree, or such scores are often wrong. Take it as no answer.',
  'face too small':
    'The face has too few pixels to say anything. Use a larger version of the picture.',
  'no face found':
    'No face was found, so nothing was judged. Try a picture on which a face is larger, or less turned.',
};

const words = (verdict: Verdict) =>
  element('p', { className: `word ${verdict.replaceAll(' ', '-')}` }, verdict);

/** Says that there is no face, or that a face is too small. */
export function sayNothing(verdict: Verdict, note: string | null): void {
  $('judged').hidden = true;
  $('verdict').replaceChildren(
    words(verdict),
    element('p', {}, meanings[verdict]),
    ...(note ? [element('p', { className: 'quiet' }, note)] : []),
  );
}

/** The verdict on a face at a threshold of the reader's. */
export function verdictAt(
  finding: FaceFinding,
  threshold: Threshold | null,
  value: number,
): { verdict: Verdict; why: string | null } {
  if (finding.probability === null) return { verdict: finding.verdict, why: finding.note };
  if (value === (threshold?.value ?? uncalibrated)) {
    return { verdict: finding.verdict, why: finding.note };
  }
  const own = { rule: 'set by hand', fpr: 0, data: 'none', n: 1, ...threshold, value };
  return judge(finding.views, own);
}

export function sayVerdict(
  finding: FaceFinding,
  threshold: Threshold | null,
  value: number,
  which: string,
): Verdict {
  const { verdict, why } = verdictAt(finding, threshold, value);
  if (finding.probability === null) {
    sayNothing(verdict, why);
    return verdict;
  }
  $('judged').hidden = false;
  $('verdict').replaceChildren(
    words(verdict),
    element(
      'p',
      {},
      `${which}Score ${score(finding.probability)}, where 0 is nothing found and 1 is surely altered; called altered from ${score(value)}.`,
    ),
    element('p', {}, meanings[verdict]),
    ...(why ? [element('p', { className: 'quiet' }, `${why}.`)] : []),
  );
  const rows = finding.views.map(({ name, probability }) => {
    const [filled, mark] = [element('i'), element('b')];
    filled.style.width = `${100 * probability}%`;
    mark.style.left = `${100 * value}%`;
    const bar = element('div', {}, filled, mark, element('span', {}, score(probability)));
    return element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, bar));
  });
  $('views')
    .querySelector('tbody')
    ?.replaceChildren(...rows);
  sayThreshold(threshold, value);
  return verdict;
}

/** How many real faces are accused at a threshold, as far as that was measured. */
function sayThreshold(threshold: Threshold | null, value: number): void {
  $('threshold-value').textContent = score(value);
  const own = threshold?.value ?? uncalibrated;
  $('threshold-back').hidden = value === own;
  $('threshold-note').textContent = threshold
    ? falseAlarms(threshold, value)
    : 'This network is uncalibrated: how many real faces it accuses is not known.';
}

function falseAlarms({ value: own, fpr, data }: Threshold, value: number): string {
  const at = percent(fpr);
  const whom = `of the real faces that it was measured on (${data})`;
  if (value === own) return `False alarms: ${at} ${whom} score as high.`;
  const bound = value > own ? `at most ${at}` : `at least ${at}`;
  return `False alarms: ${bound} ${whom} score as high; that was measured at ${score(own)} only.`;
}

/** What the network's verdicts are worth, in the words of `llsm detect`. */
export const worth = (threshold: Threshold | null): string =>
  `Altered from a probability of ${thresholdInWords(threshold ?? undefined)}. ${meaningInWords(threshold ?? undefined)}`;
