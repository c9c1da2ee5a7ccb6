/** What faces seen in several views are told: shares of each verdict. Browser-safe. */
import type { View } from '../detect/finding.ts';
import { type Judgement, judge } from '../detect/verdict.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';

/** Shares of the verdicts on faces of one kind; they add up to 1. */
export interface VerdictShares {
  faces: number;
  altered: number;
  unsure: number;
  nothing: number;
}

const keys: Record<Judgement['verdict'], 'altered' | 'unsure' | 'nothing'> = {
  altered: 'altered',
  unsure: 'unsure',
  'nothing found': 'nothing',
};

/** Counts verdicts, face by face. */
export class VerdictCount {
  readonly #counts = [0, 1].map(() => ({ faces: 0, altered: 0, unsure: 0, nothing: 0 }));

  /** Adds a face. @param views as it is first */
  add(label: 0 | 1, views: readonly View[], threshold?: Threshold): void {
    const counts = this.#counts[label];
    counts.faces++;
    counts[keys[judge(views, threshold).verdict]]++;
  }

  /** Shares among the real and among the forged faces; of no face each is 0. */
  shares(): { real: VerdictShares; forged: VerdictShares } {
    const [real, forged] = this.#counts.map(({ faces, altered, unsure, nothing }) => {
      const of = (count: number) => count / Math.max(1, faces);
      return { faces, altered: of(altered), unsure: of(unsure), nothing: of(nothing) };
    });
    return { real, forged };
  }
}
