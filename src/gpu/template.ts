import { LlsmError } from '../base/errors.ts';

/** Values for a shader's `$NAME` and its directives. Booleans are 1 and 0. */
export type Constants = Readonly<Record<string, number | string | boolean>>;

/**
 * The one substitution step between a `.wgsl` file and the driver. WGSL's `override` can neither
 * size a register array, nor unroll a loop over named registers, nor leave a binding out, nor be a
 * broadcast's constant lane; so everything that specialises a shader is said this one way:
 *
 *     $NAME or ${NAME}             the constant's value; it may be part of an identifier
 *     //! if NAME   /   //! if !NAME   …   //! else   …   //! end
 *     //! for i in 0 .. NAME   …   //! end        $i inside is the loop's value
 *     //! include name                            another file's text
 *
 * @throws LlsmError naming shader and line for an unknown constant or an unbalanced directive.
 */
export function expand(
  name: string,
  source: string,
  constants: Constants,
  includes: Readonly<Record<string, string>> = {},
): string {
  const lines = source.split('\n');
  const out: string[] = [];

  const fail = (line: number, why: string): never => {
    throw new LlsmError(`${name}.wgsl:${line + 1}: ${why}`);
  };
  const lookUp = (scope: Constants, key: string, line: number): number | string | boolean => {
    if (/^\d+$/.test(key)) return Number(key);
    if (!(key in scope)) fail(line, `no constant named ${key}`);
    return scope[key];
  };
  const substitute = (text: string, scope: Constants, line: number): string =>
    text.replace(/\$(?:\{(\w+)\}|([A-Za-z][A-Za-z0-9]*))/g, (_, braced?: string, bare?: string) => {
      const value = lookUp(scope, (braced ?? bare) as string, line);
      return typeof value === 'boolean' ? String(Number(value)) : String(value);
    });

  /** Walks one block, emitting where `live`, and returns the line of the directive that ended it. */
  const walk = (from: number, scope: Constants, live: boolean, nested: boolean): number => {
    let line = from;
    for (; line < lines.length; line++) {
      const text = lines[line];
      const directive = /^\s*\/\/!\s*(\w+)\s*(.*?)\s*$/.exec(text);
      if (!directive) {
        if (live) out.push(substitute(text, scope, line));
        continue;
      }
      const [, word, rest] = directive;
      if (word === 'end' || word === 'else') {
        if (!nested) fail(line, `${word} without if or for`);
        return line;
      }
      if (word === 'if') {
        const negated = rest.startsWith('!');
        const key = negated ? rest.slice(1) : rest;
        const yes = live && Boolean(lookUp(scope, key, line)) !== negated;
        let next = walk(line + 1, scope, yes, true);
        if (/else/.test(lines[next])) next = walk(next + 1, scope, live && !yes, true);
        line = next;
      } else if (word === 'for') {
        const loop = /^(\w+) in (\w+) \.\. (\w+)$/.exec(rest);
        if (!loop) return fail(line, `not a loop: ${rest}`);
        const low = Number(lookUp(scope, loop[2], line));
        const high = Number(lookUp(scope, loop[3], line));
        let next = walk(line + 1, { ...scope, [loop[1]]: low }, live && low < high, true);
        if (live) {
          for (let i = low + 1; i < high; i++)
            walk(line + 1, { ...scope, [loop[1]]: i }, true, true);
        }
        if (/else/.test(lines[next])) next = fail(next, 'a for has no else');
        line = next;
      } else if (word === 'include') {
        if (!(rest in includes)) fail(line, `nothing to include named ${rest}`);
        if (live) out.push(expand(rest, includes[rest], scope, includes));
      } else {
        fail(line, `unknown directive ${word}`);
      }
    }
    if (nested) fail(from - 1, 'no matching end');
    return line;
  };

  walk(0, constants, true, false);
  return out.join('\n');
}
