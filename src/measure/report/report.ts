/**
 * An evaluation as one HTML file that needs nothing else: no script, no other file, no network.
 * Browser-safe.
 */
import {
  facts,
  figure,
  headline,
  page,
  paragraphs,
  preformatted,
  type ReportPicture,
  section,
  type Table,
  table,
} from '../../detect/report/html.ts';
import type { ClassMeasures } from '../classification.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Compared } from '../localisation.ts';

/** Content of a report, as plain text throughout; it is escaped here. */
export interface Report {
  title: string;
  /** Paragraphs that say what was done. */
  done: readonly string[];
  /** Measures to see first. */
  headline: readonly { value: string; name: string; note?: string }[];
  /** Rows of a table about the data, its head first. */
  data: readonly (readonly string[])[];
  dataNotes: readonly string[];
  /** SVG elements as `curvesForHtml` gives them: they are not escaped. */
  curves?: string;
  curvesNotes: readonly string[];
  evaluation: Pick<Evaluation, 'faces' | 'masks' | 'maskThreshold' | 'pairs' | 'constant'>;
  /** Probability from which a face is called forged, as part of a sentence. */
  threshold: string;
  sheet?: ReportPicture;
  /** Paragraphs that say what the result means, and what it does not. */
  meaning: readonly string[];
  /** Adapter, times, versions. */
  facts: readonly (readonly [name: string, value: string])[];
  /** Commands to type again, a line each. */
  commands: readonly string[];
}

/** Text of a number with three decimals; a dash where there is no number. */
export const decimals = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3);

function classRows(measures: readonly ClassMeasures[]): Table {
  return {
    caption: 'Real or forged: each method against the same real faces',
    head: [
      ...['method', 'real', 'forged', 'ACC', 'AUC', '95 % interval', 'AP', 'EER'],
      ...['found', 'false alarms'],
    ],
    rows: measures.map((row) => [
      ...[
        row.name,
        String(row.real),
        String(row.forged),
        decimals(row.accuracy),
        decimals(row.auc),
      ],
      row.aucInterval.some(Number.isNaN) ? '–' : row.aucInterval.map(decimals).join(' to '),
      ...[decimals(row.ap), decimals(row.eer), decimals(row.flagged), decimals(row.falseAlarms)],
    ]),
  };
}

/** A measure, and the constant predictor's beside it. */
const beside = ({ value, constant }: Compared): [string, string] => [
  decimals(value),
  decimals(constant),
];

function placeTables({ masks, pairs }: Report['evaluation']): Table[] {
  const tables: Table[] = [];
  if (masks.length > 0) {
    tables.push({
      caption: 'Where: masks of forged faces',
      head: [
        ...['method', 'faces', 'IoU', 'constant', 'found', 'IoU of those', 'constant'],
        ...['pixel AUC with real faces', 'constant'],
      ],
      rows: masks.map((row) => [
        ...[row.name, String(row.faces), ...beside(row.iou), String(row.flagged)],
        ...[...beside(row.iouFlagged), ...beside(row.pixelAucWithReal)],
      ]),
    });
  }
  if (pairs.length > 0) {
    tables.push({
      caption: 'What does not belong together: pairs of the similarity map (LSM)',
      head: [
        ...['method', 'faces', 'pair AUC', 'constant', 'with real faces', 'constant'],
        ...['at fixed pairs', 'constant'],
      ],
      rows: pairs.map((row) => [
        ...[row.name, String(row.faces), ...beside(row.auc), ...beside(row.aucWithReal)],
        ...beside(row.aucAtFixedPairs),
      ]),
    });
  }
  return tables;
}

function measureNotes({ evaluation, threshold }: Report): string[] {
  const notes = [
    `A face is called forged at a probability of ${threshold}. ACC, "found" (share of the forged ` +
      'faces called forged) and "false alarms" (share of the real ones) hold at that threshold; ' +
      'AUC, AP and EER need none. AUC: the chance that a forged face gets a higher probability ' +
      'than a real one; 0.5 is guessing, 1 is faultless.',
  ];
  const { masks, pairs, constant } = evaluation;
  if (masks.length + pairs.length === 0) return notes;
  if (constant) {
    notes.push(
      '"Constant" is what a predictor reaches that looks at no picture: it shows the mean mask ' +
        `(called altered from ${constant.threshold}) and the mean pair map of ` +
        `${constant.faces} training forgeries for every face. Faces stand in the middle, so this ` +
        'is a strong guess; what the network adds is what it has above it.',
    );
  }
  notes.push(
    `IoU: overlap of the predicted mask (altered from ${evaluation.maskThreshold}) with the true one, 1 ` +
      'is exact. "With real faces" also counts ' +
      'the real ones, where nothing is altered. "At fixed pairs" ranks the faces at one pair of ' +
      'positions at a time, so that position alone gives 0.5.',
  );
  return notes;
}

/** Report as a whole HTML document. */
export function reportHtml(report: Report): string {
  const { evaluation, sheet, curves } = report;
  const [head, ...rows] = report.data;
  const sections = [
    section('What was done', paragraphs(report.done)),
    sheet ? section('Faces, and what the network says of them', figure(sheet)) : '',
    section(
      'Figures',
      ...[classRows(evaluation.faces), ...placeTables(evaluation)].map(table),
      paragraphs(measureNotes(report)),
    ),
    curves
      ? section(
          'Training',
          `<div class="curves">\n${curves}\n</div>`,
          paragraphs(report.curvesNotes),
        )
      : '',
    section(
      'Data',
      table({ caption: 'Faces in each split', head, rows }),
      paragraphs(report.dataNotes),
    ),
    section('What it means, and what it does not', paragraphs(report.meaning)),
    section('To repeat it', preformatted(report.commands.join('\n')), facts(report.facts)),
  ];
  return page(report.title, headline(report.headline), sections);
}
