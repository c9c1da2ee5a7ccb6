/** Values put into a config by the paths of their keys. */

/**
 * A copy of a config as written by hand, in which each value takes the place of what its path, such as
 * `train.lr`, led to. What lies on the way and is no object becomes one. Nothing is checked here.
 */
export function withValues(config: unknown, values: Readonly<Record<string, unknown>>): unknown {
  const copy = structuredClone(config);
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split('.');
    let at = copy as Record<string, unknown>;
    for (const key of keys.slice(0, -1)) {
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    at[keys[keys.length - 1]] = structuredClone(value);
  }
  return copy;
}
