/** How sure a mean over seeds is: people are drawn with replacement, all of their faces together. */
import { bootstrap, Ranking, rocAuc } from '../../src/measure/metrics.ts';

/** A tested face, as its network scored it. */
export interface FaceScore {
  person: string;
  label: 0 | 1;
  method: string | null;
  probability: number;
}

/** Of a cell's AUC, as shares. */
export interface OverPeople {
  /** 95 % interval of the mean over the seeds. */
  interval: [low: number, high: number];
  /** How much it is above another row's, and the 95 % interval of that: the same people are drawn for both. */
  above?: { row: string; value: number; interval: [low: number, high: number] };
}

/** Of the drawn people: the same scores give the same intervals. */
const seed = 0;

/** The faces that a column counts: real ones, and forged ones of its method. */
const counted = (scores: readonly FaceScore[], method?: string): FaceScore[] =>
  scores.filter((face) => face.label === 0 || !method || (face.method ?? 'unnamed') === method);

/** The mean AUC of several networks on the same faces, as a function of how often each face counts. */
function meanAuc(networks: readonly (readonly FaceScore[])[]) {
  const rankings = networks.map(
    (faces) => new Ranking(faces.map(({ probability }) => probability)),
  );
  return (weights: Float64Array): number => {
    const aucs = rankings.map((ranking, n) => {
      const faces = networks[n];
      const positive = weights.map((weight, k) => weight * faces[k].label);
      const negative = weights.map((weight, k) => weight * (1 - faces[k].label));
      return rocAuc(ranking.tally(positive, negative));
    });
    return aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length;
  };
}

/**
 * @param own the scores of each seed's network, over the same faces in the same order
 * @param other those of the row that it is compared with; absent: with none
 * @param method of the forged faces that count; absent: all
 */
export function overPeople(
  own: readonly (readonly FaceScore[])[],
  other?: { row: string; scores: readonly (readonly FaceScore[])[] },
  method?: string,
): OverPeople {
  const mine = own.map((scores) => counted(scores, method));
  const groups = mine[0].map(({ person }) => person);
  const all = new Float64Array(groups.length).fill(1);
  const auc = meanAuc(mine);
  const interval = bootstrap(groups, auc, { seed });
  if (!other) return { interval };
  const others = meanAuc(other.scores.map((scores) => counted(scores, method)));
  const gain = (weights: Float64Array) => auc(weights) - others(weights);
  const above = { row: other.row, value: gain(all), interval: bootstrap(groups, gain, { seed }) };
  return { interval, above };
}
