import type { z } from 'zod';

/** A place in a value as one writes it in code: `rows[2].train`; '' for the value itself. */
export const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key, k) => (typeof key === 'number' ? `[${key}]` : `${k > 0 ? '.' : ''}${String(key)}`))
    .join('');

/** Problems of a value in one line, by field: the first three of them. */
export function problemsOf({ issues }: z.ZodError): string {
  const said = issues.slice(0, 3).map(({ path, message }) => {
    const place = placeOf(path);
    return place ? `${place}: ${message}` : message;
  });
  const more = issues.length - said.length;
  return said.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
