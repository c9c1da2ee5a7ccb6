/** What `src/image/plot.ts` asks of linkedom, for the page: it has documents of its own. */
export const parseHTML = (html: string): { document: Document } => ({
  document: new DOMParser().parseFromString(html, 'text/html'),
});
