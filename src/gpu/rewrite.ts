import { LlsmError } from '../base/errors.ts';

/** How a binding is read and written where its values are stored in another way than the shader's text has it. */
export interface Access {
  /** Of the binding in the shader. */
  name: string;
  /** The expression that reads the value at an index. */
  load(index: string): string;
  /** The expression that is stored for a value; absent for what is only read. */
  store?(value: string): string;
}

/** A shader's text without comments, which may look like code. All lines stay: errors tell of them. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, blank);

const blank = (comment: string): string => comment.replace(/[^\n]/g, '');

/**
 * The text with the loads and stores of one binding rewritten, also where an index or a stored value
 * holds another.
 * @param text without comments
 * @throws LlsmError for a store to what is only read
 */
export function rewritten(text: string, access: Access): string {
  const { name, load, store } = access;
  const start = new RegExp(`(?<![\\w.])${name}\\[`).exec(text);
  if (!start) return text;
  const open = start.index + name.length;
  const close = closing(text, open);
  const index = rewritten(text.slice(open + 1, close), access);
  const before = text.slice(0, start.index);
  const after = text.slice(close + 1);
  const assignment = /^\s*([-+*/]?)=(?!=)\s*/.exec(after);
  if (!assignment) return `${before}${load(index)}${rewritten(after, access)}`;
  if (!store) throw new LlsmError(`A shader stores to ${name}, which is only to be read`);
  const end = after.indexOf(';');
  const value = rewritten(after.slice(assignment[0].length, end), access);
  const operator = assignment[1];
  const stored = operator ? `${load(index)} ${operator} (${value})` : value;
  return `${before}${name}[${index}] = ${store(stored)}${rewritten(after.slice(end), access)}`;
}

/** Index of the bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '[') depth++;
    else if (text[at] === ']' && --depth === 0) return at;
  }
  throw new LlsmError(`A shader has no ] for a [: ${text.slice(open, open + 40)}`);
}
