/**
 * Parts of a report as one HTML file that needs nothing else: no script, no other file, no network.
 * Texts come plain and are escaped here. Browser-safe.
 */
import { style } from './style.ts';

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

/** A paragraph a text. */
export const paragraphs = (texts: readonly string[]): string =>
  texts.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n');

export interface Table {
  /** Caption that is read out before the table. */
  caption: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Table as HTML; the first column names the row. */
export function table({ caption, head, rows }: Table): string {
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

/** A picture with what it shows, in words for whoever cannot see it. */
export interface ReportPicture {
  /** The bytes of a PNG or JPEG file. */
  file: Uint8Array;
  alt: string;
  caption: string;
}

/** A PNG's or a JPEG's bytes as a data: address; `btoa` is in Node and in browsers. */
function dataUrl(bytes: Uint8Array): string {
  let text = '';
  for (let first = 0; first < bytes.length; first += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(first, first + 0x8000));
  }
  return `data:image/${bytes[0] === 0xff ? 'jpeg' : 'png'};base64,${btoa(text)}`;
}

/** A picture as wide as the page, its caption below. */
export const figure = ({ file, alt, caption }: ReportPicture): string =>
  `<figure>\n<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(caption)}">\n` +
  `<img src="${dataUrl(file)}" alt="${escapeHtml(alt)}">\n</div>\n` +
  `<figcaption>${escapeHtml(caption)}</figcaption>\n</figure>`;

/** A section with a heading; empty parts are left out. */
export const section = (title: string, ...parts: readonly string[]): string =>
  `<section>\n<h2>${escapeHtml(title)}</h2>\n${parts.filter(Boolean).join('\n')}\n</section>`;

/** The numbers to see first. */
export function headline(
  entries: readonly { value: string; name: string; note?: string }[],
): string {
  const items = entries.map(({ value, name, note }) => {
    const small = note ? `<small>${escapeHtml(note)}</small>` : '';
    return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}${small}</dd></div>`;
  });
  return `<dl class="headline">\n${items.join('\n')}\n</dl>`;
}

/** Names and values, a line each. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const lines = entries.map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  return `<dl class="facts">\n${lines.join('\n')}\n</dl>`;
}

/** A text with its own line breaks. */
export const preformatted = (text: string): string => `<pre>${escapeHtml(text)}</pre>`;

/**
 * A whole HTML document. Its policy forbids the browser to fetch or run anything.
 * @param top HTML below the heading
 * @param sections HTML; empty ones are left out
 */
export function page(title: string, top: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
${style}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
${top}
</header>
${sections.filter(Boolean).join('\n')}
</main>
</body>
</html>
`;
}
