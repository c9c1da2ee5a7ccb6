/**
 * What the detector said of a case's files, as one page to keep, print and hand on. The same function
 * makes it in Node and in a page.
 */
import type { Threshold } from '../../model/llsm/checkpoint.ts';
import {
  type FaceFinding,
  type Finding,
  isVideo,
  type TrackFinding,
  type Verdict,
  type VideoFinding,
} from '../finding.ts';
import { meaningInWords, scope, thresholdInWords } from '../verdict.ts';
import {
  escapeHtml,
  facts,
  figure,
  headline,
  page,
  paragraphs,
  preformatted,
  section,
} from './html.ts';
import { type StripThreshold, scoreStrip } from './strip.ts';

/** The pictures of one finding, as PNG or JPEG files. */
export interface CasePictures {
  /** The whole picture, its faces numbered where there are several. */
  whole?: Uint8Array;
  /** A sheet a face, in the order of the finding; undefined where there is none. */
  faces: readonly (Uint8Array | undefined)[];
  /** Of a video: an SVG element of its scores over time, as the video's part makes it. It is not escaped. */
  timeline?: string;
}

/** What the findings were made with. */
export interface CaseAbout {
  /** When, as text. */
  made: string;
  version: string;
  adapter: string;
  /** The network's own threshold. */
  threshold?: Threshold;
  /** A threshold that the reader set in place of the network's own: the findings were judged by it. */
  setThreshold?: number;
  weights: {
    name: string;
    /** SHA-256 of the file. */
    sha256: string;
    /** Facts of the network, such as its size. */
    facts: readonly (readonly [name: string, value: string])[];
    /** What its makers say of it: what it was trained on, what it was measured to do; plain text. */
    card?: string;
  };
  /** How it was asked: options and their values. */
  settings: readonly (readonly [name: string, value: string])[];
  /** Faces whose pictures are left out, since a page cannot hold so many. */
  leftOut?: number;
}

const order: readonly Verdict[] = [
  'altered',
  'unsure',
  'nothing found',
  'face too small',
  'no face found',
];

/** A verdict as a word with a mark of its own, which is read without colours too. */
const badge = (verdict: Verdict | null): string => {
  const word = verdict ?? 'not looked at';
  return `<strong class="badge" data-verdict="${escapeHtml(word)}">${escapeHtml(word)}</strong>`;
};

/**
 * The report on a case as a whole HTML document.
 * @param pictures one entry a finding, in the same order; it may be shorter
 */
export function caseReport(
  findings: readonly Finding[],
  pictures: readonly (CasePictures | undefined)[],
  about: CaseAbout,
): string {
  const counted = (verdict: Verdict) =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const failed = findings.filter(({ error }) => error).length;
  const rest = counted('no face found') + counted('face too small');
  const numbers = [
    { name: 'Files', value: `${findings.length}` },
    { name: 'Altered', value: `${counted('altered')}` },
    { name: 'Unsure', value: `${counted('unsure')}`, note: 'look again, and elsewhere' },
    { name: 'Nothing found', value: `${counted('nothing found')}`, note: 'which clears nobody' },
    ...(rest > 0 ? [{ name: 'No face, or too small', value: `${rest}` }] : []),
    ...(failed > 0 ? [{ name: 'Could not be read', value: `${failed}` }] : []),
  ];
  const { weights, threshold, setThreshold: set, leftOut } = about;
  const used = set === undefined ? threshold : { ...threshold, value: set };
  return page('Faces and what was found on them', headline(numbers), [
    section(
      'How to read this',
      paragraphs([
        `A face gets a score from 0 to 1 from a network that was trained to tell altered faces from ` +
          `untouched ones. It is called altered from ${set === undefined ? thresholdInWords(threshold) : setInWords(set, threshold)}.`,
        set === undefined ? meaningInWords(threshold) : setMeaning(set, threshold),
        'Each face is scored as it is and in changed copies (mirrored, recompressed, made smaller). Where ' +
          'these disagree about the threshold the verdict is unsure: it would hang on how the file was saved.',
        `${scope} What follows are the answers of a program, not proof: an expert judges, with the file's ` +
          'origin and other evidence at hand.',
      ]),
    ),
    findings.length > 1 ? section('All files', overview(findings)) : '',
    ...findings.map((finding, k) => fileSection(finding, k, pictures[k], used)),
    leftOut
      ? section(
          'Pictures left out',
          paragraphs([`A page cannot hold so many: ${leftOut} faces are told without pictures.`]),
        )
      : '',
    section('What the pictures show', list(pictureNotes)),
    section('What this method cannot do', list(limits)),
    section(
      'The network',
      facts([
        ['Weights', weights.name],
        ['SHA-256 of the weights', weights.sha256],
        ...weights.facts,
      ]),
      weights.card ? preformatted(weights.card) : '',
    ),
    section(
      'How it was made',
      facts([
        ['Made', about.made],
        ['llsm', about.version],
        ['Adapter', about.adapter],
        ...about.settings,
      ]),
    ),
  ]);
}

const setInWords = (value: number, own: Threshold | undefined): string =>
  `${Number(value.toPrecision(4))}, set by hand; the network's own is ${thresholdInWords(own)}`;

/** What verdicts at a threshold set by hand are worth, as far as that follows from the network's own. */
function setMeaning(value: number, own: Threshold | undefined): string {
  if (!own) return meaningInWords(own);
  const less = value > own.value ? 'no more' : 'no fewer';
  return (
    `How many real faces are accused at it was not measured; ${less} than at the network's own. There: ` +
    meaningInWords(own)
  );
}

const list = (items: readonly (readonly [name: string, text: string])[]): string =>
  `<ul>\n${items.map(([name, text]) => `<li><strong>${escapeHtml(name)}.</strong> ${escapeHtml(text)}</li>`).join('\n')}\n</ul>`;

const best = ({ faces }: Finding): number | undefined => {
  const scores = faces.flatMap(({ probability }) => (probability === null ? [] : [probability]));
  return scores.length > 0 ? Math.max(...scores) : undefined;
};

/** A line a file, the gravest verdicts first. */
function overview(findings: readonly Finding[]): string {
  const rank = ({ verdict }: Finding) => (verdict ? order.indexOf(verdict) : order.length);
  const rows = findings
    .map((finding, k) => ({ finding, k }))
    .sort(
      (a, b) =>
        rank(a.finding) - rank(b.finding) || (best(b.finding) ?? 0) - (best(a.finding) ?? 0),
    )
    .map(
      ({ finding, k }) =>
        `<tr><th scope="row"><a href="#file${k + 1}">${escapeHtml(finding.file)}</a></th>` +
        `<td>${badge(finding.verdict)}</td><td>${finding.faces.length}</td>` +
        `<td>${best(finding)?.toFixed(3) ?? '–'}</td></tr>`,
    );
  const heads = ['File', 'Verdict', 'Faces', 'Highest score'];
  return (
    '<div class="wide" tabindex="0" role="region" aria-label="All files">\n<table class="files">\n<thead><tr>' +
    `${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>\n<tbody>\n` +
    `${rows.join('\n')}\n</tbody>\n</table>\n</div>`
  );
}

function fileSection(
  finding: Finding,
  index: number,
  pictures: CasePictures | undefined,
  threshold: StripThreshold | undefined,
): string {
  const { file, sha256, kind, faces, verdict, error } = finding;
  const several = faces.length > 1;
  const parts = [
    `<h2 id="file${index + 1}">${escapeHtml(file)} ${badge(verdict)}</h2>`,
    error
      ? paragraphs([
          `${faces.length > 0 ? 'It breaks off' : 'Nothing is said of it'}: ${error.message}`,
        ])
      : '',
    facts([
      ['Kind', kind],
      ['SHA-256', sha256 ?? (error ? 'not read' : 'none: it was no file')],
      ...(error && faces.length === 0
        ? []
        : [[isVideo(finding) ? 'Faces in all frames' : 'Faces', `${faces.length}`] as const]),
    ]),
    pictures?.whole
      ? figure({
          file: pictures.whole,
          alt: `${file} with its faces marked`,
          caption: several
            ? 'The whole picture: faces by their numbers below, masks laid over them.'
            : 'The whole picture, the mask laid over the face.',
        })
      : '',
    pictures?.timeline ? `<div class="curves">\n${pictures.timeline}\n</div>` : '',
    ...(isVideo(finding)
      ? finding.tracks.map((track, k) => trackArticle(track, k, finding))
      : faces.map((face, k) =>
          faceArticle(face, several ? `Face ${k + 1}` : 'The face', pictures?.faces[k], threshold),
        )),
  ];
  return `<section class="file">\n${parts.filter(Boolean).join('\n')}\n</section>`;
}

/** A face in the course of a video. */
function trackArticle(
  { faces, scores, probability, verdict, note }: TrackFinding,
  index: number,
  { videoScore }: VideoFinding,
): string {
  const [first, last] = [scores[0], scores[scores.length - 1]];
  const told: [string, string][] = [];
  if (probability !== null) {
    told.push(['Score', `${probability.toFixed(3)} (${videoScore} of its frames)`]);
  }
  if (first) {
    const highest = Math.max(...scores.map((score) => score.probability));
    told.push(['Highest', highest.toFixed(3)]);
    told.push(['Scored', `${first.time.toFixed(2)} s to ${last.time.toFixed(2)} s`]);
  }
  told.push(['Frames with it', `${faces.length}`]);
  if (note !== null) told.push(['Note', note]);
  return (
    `<article class="face">\n<h3>Track ${index + 1} ${badge(verdict)}</h3>\n${facts(told)}\n` +
    '</article>'
  );
}

function faceArticle(
  { box, finder, probability, verdict, note, views, alteredShare }: FaceFinding,
  title: string,
  sheet: Uint8Array | undefined,
  threshold: StripThreshold | undefined,
): string {
  const [x, y, w, h] = box?.map(Math.round) ?? [];
  const told: [string, string][] = [];
  if (probability !== null) told.push(['Score', probability.toFixed(3)]);
  if (views.length > 1) {
    const all = views.map(({ name, probability: score }) => `${name} ${score.toFixed(3)}`);
    told.push(['In each view', all.join('; ')]);
  }
  if (alteredShare !== null && verdict !== 'nothing found') {
    told.push(['Marked by the mask', `${(100 * alteredShare).toFixed(1)} % of the face crop`]);
  }
  if (box) told.push(['Place', `${w} × ${h} pixels at ${x}, ${y}`]);
  if (finder) told.push(['Found by', `${finder.name}, sure to ${finder.score.toFixed(2)}`]);
  if (note !== null) told.push(['Note', note]);
  return [
    '<article class="face">',
    `<h3>${escapeHtml(title)} ${badge(verdict)}</h3>`,
    views.length > 0 ? scoreStrip(views, threshold) : '',
    facts(told),
    sheet
      ? figure({
          file: sheet,
          alt: `${title}: the mask, and what does not belong together`,
          caption: 'What the network says of this face; see "What the pictures show" below.',
        })
      : '',
    '</article>',
  ]
    .filter(Boolean)
    .join('\n');
}

const pictureNotes = [
  [
    'Mask',
    'How likely each place was altered: blue a little, yellow surely; the white line is where it is ' +
      'called altered. On a face that nothing was found on, a mask is of no account.',
  ],
  [
    'Pairs and patches',
    'The face is cut into patches, and each pair of them asked whether the two come from one source. The ' +
      'square shows all pairs at once; the faces beside it show one patch (white border), and how much each ' +
      'other one differs from it: yellow differs, violet belongs to it. The patches shown are those that differ ' +
      'most from the rest. A swapped face stands out as one region, whichever side of its border the patch is on.',
  ],
  [
    'Grad-CAM',
    'Where a high score comes from. On the fixed scale two faces can be compared, and a dark map says that ' +
      'nothing speaks for a forgery; on its own range every face has a bright place, an untouched one too.',
  ],
] as const;

const limits = [
  [
    'It errs',
    'Untouched faces are called altered, and altered ones missed, at the rates above, and more often on material unlike that which they were measured on.',
  ],
  [
    'Nothing found is no clearance',
    'New ways of altering faces, and careful work, may leave nothing that it knows.',
  ],
  [
    'Altered is no accusation',
    'Retouching, filters, beautifying cameras, heavy compression and screenshots change faces too; who did it, and to deceive whom, no program sees.',
  ],
  [
    'Wholly generated pictures',
    'It looks for parts that do not belong to the rest. Where all of a picture was made by a generator, nothing of it need stand out.',
  ],
  [
    'Faces only',
    'What lies outside the face crop is not looked at: documents, places, bodies, text.',
  ],
  [
    'Small and blurred faces',
    'Below 32 pixels nothing is said; near it, little that is worth having.',
  ],
] as const;
