/** What the page shows of a picture as one HTML file that needs nothing else. */
import { $, element } from './dom.ts';

/** Controls, which a file cannot answer, and what only explains them. */
const controls =
  'button, input, label, output, .threshold-foot button, #explorer-help, #threshold-note';

const styleOf = (): string =>
  [...document.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules])
    .map(({ cssText }) => cssText)
    .join('\n');

/** Pictures stand as they are drawn now: the face that is chosen, the mask's strength, the part in the explorer. */
export function htmlReport(name: string, scope: string): string {
  const shown = $('result');
  const copy = shown.cloneNode(true) as HTMLElement;
  const drawn = shown.querySelectorAll('canvas');
  copy.querySelectorAll('canvas').forEach((canvas, k) => {
    const image = element('img', { src: drawn[k].toDataURL('image/png') });
    image.alt = canvas.getAttribute('aria-label') ?? 'The face';
    canvas.replaceWith(image);
  });
  // A face's frame stays, with its verdict; it can no longer be pressed.
  for (const button of copy.querySelectorAll<HTMLElement>('#stage button')) {
    const frame = element('div', { className: 'frame' }, ...button.childNodes);
    frame.style.cssText = button.style.cssText;
    button.replaceWith(frame);
  }
  for (const each of copy.querySelectorAll(controls)) each.remove();
  for (const each of copy.querySelectorAll('[tabindex], [role="application"], [aria-live]')) {
    for (const attribute of ['tabindex', 'role', 'aria-live', 'aria-describedby']) {
      each.removeAttribute(attribute);
    }
  }
  const page = document.implementation.createHTMLDocument(`${name}: what LLSM says of it`);
  page.documentElement.lang = 'en';
  const policy = element('meta', {
    httpEquiv: 'Content-Security-Policy',
    content: "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
  });
  page.head.prepend(element('meta', { name: 'viewport', content: 'width=device-width' }), policy);
  const charset = page.createElement('meta');
  charset.setAttribute('charset', 'utf-8');
  page.head.prepend(charset);
  const main = element('main', {}, element('h1', {}, name), copy, element('p', {}, scope));
  page.body.append(main);
  // As text: in this page no style may stand in a document.
  const html = page.documentElement.outerHTML;
  const end = html.indexOf('</head>');
  return `<!doctype html>\n${html.slice(0, end)}<style>${styleOf()}</style>${html.slice(end)}\n`;
}
