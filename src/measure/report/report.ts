/**
 * An evaluation as one HTML file that needs nothing else: no script, no other file, no network.
 * Browser-safe.
 */
import type { ClassMeasures } from '../classification.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Compared } from '../localisation.ts';
import { style } from './style.ts';

/** A picture with what it shows, in words for whoever cannot see it. */
export interface ReportPicture {
  /** The bytes of a PNG file. */
  png: Uint8Array;
  alt: string;
  caption: string;
}

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

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML, in an element or in a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => entities[letter]);

const paragraphs = (texts: readonly string[]): string =>
  texts.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n');

/** Text of a number with three decimals; a dash where there is no number. */
export const decimals = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3);

interface Table {
  /** Caption that is read out before the table. */
  caption: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Table as HTML; the first column names the row. */
function table({ caption, head, rows }: Table): string {
  const heads = head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('');
  const lines = rows.map(([name, ...cells]) => {
    const rest = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr><th scope="row">${escapeHtml(name)}</th>${rest}</tr>`;
  });
  return (
    `<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(caption)}">\n<table>\n` +
    `<caption>${escapeHtml(caption)}</caption>\n<thead><tr>${heads}</tr></thead>\n` +
    `<tbody>\n${lines.join('\n')}\n</tbody>\n</table>\n</div>`
  );
}

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

/** Bytes as a data: address; `btoa` is in Node and in browsers. */
function dataUrl(bytes: Uint8Array, type: string): string {
  let text = '';
  for (let first = 0; first < bytes.length; first += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(first, first + 0x8000));
  }
  return `data:${type};base64,${btoa(text)}`;
}

const picture = ({ png, alt, caption }: ReportPicture): string =>
  `<figure>\n<div class="wide" tabindex="0" role="region" aria-label="sheet of faces">\n` +
  `<img src="${dataUrl(png, 'image/png')}" alt="${escapeHtml(alt)}">\n</div>\n` +
  `<figcaption>${escapeHtml(caption)}</figcaption>\n</figure>`;

const section = (title: string, ...parts: string[]): string =>
  `<section>\n<h2>${escapeHtml(title)}</h2>\n${parts.filter(Boolean).join('\n')}\n</section>`;

function headlineOf(entries: Report['headline']): string {
  const items = entries.map(({ value, name, note }) => {
    const small = note ? `<small>${escapeHtml(note)}</small>` : '';
    return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}${small}</dd></div>`;
  });
  return `<dl class="headline">\n${items.join('\n')}\n</dl>`;
}

/** Report as a whole HTML document. */
export function reportHtml(report: Report): string {
  const { evaluation, sheet, curves } = report;
  const [head, ...rows] = report.data;
  const facts = report.facts.map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const sections = [
    section('What was done', paragraphs(report.done)),
    sheet ? section('Faces, and what the network says of them', picture(sheet)) : '',
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
    section(
      'To repeat it',
      `<pre>${report.commands.map(escapeHtml).join('\n')}</pre>`,
      `<dl class="facts">\n${facts.join('\n')}\n</dl>`,
    ),
  ];
  const title = escapeHtml(report.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>
${style}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
${headlineOf(report.headline)}
</header>
${sections.filter(Boolean).join('\n')}
</main>
</body>
</html>
`;
}
