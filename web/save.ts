/** What is said of a picture at the reader's threshold, as files of the reader's. */
import { version } from '../src/base/version.ts';
import { type Finding, verdictOfAll } from '../src/detect/finding.ts';
import { scope } from '../src/detect/verdict.ts';
import { save } from './dom.ts';
import type { About } from './engine.worker.ts';
import type { Reported } from './report.ts';
import { verdictAt } from './verdict.ts';

/** A finding, each face judged anew. */
function judged(finding: Finding, about: About, threshold: number): Finding {
  const faces = finding.faces.map((face) => {
    const { verdict, why } = verdictAt(face, about.threshold, threshold);
    return { ...face, verdict, note: why };
  }) as Finding['faces'];
  return { ...finding, faces, verdict: verdictOfAll(faces) };
}

/** Saves what `llsm detect --json` prints. */
export function saveJson(finding: Finding, about: About, threshold: number): void {
  const whole = {
    version,
    adapter: about.adapter,
    weights: about.weights,
    weightsSha256: about.sha256,
    threshold: { ...(about.threshold ?? { rule: 'uncalibrated' }), value: threshold },
    scope,
    results: [judged(finding, about, threshold)],
  };
  save(`${finding.file}.llsm.json`, `${JSON.stringify(whole, null, 2)}\n`, 'application/json');
}

/** Saves the report as a page, whose code is loaded with the first one. */
export async function saveReport(reported: Reported): Promise<void> {
  const { about, threshold } = reported;
  const finding = judged(reported.finding, about, threshold);
  const { htmlReport } = await import('./report.ts');
  save(`${finding.file}.llsm.html`, await htmlReport({ ...reported, finding }), 'text/html');
}
