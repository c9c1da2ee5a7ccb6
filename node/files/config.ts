import { readFileSync } from 'node:fs';
import { LlsmError, messageOf, UsageError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import { type Config, PRESETS, parseConfig } from '../../src/config/config.ts';
import { withValues } from '../../src/config/values.ts';

/**
 * The config of a preset's name or of a JSON file (Node only).
 *
 * @param overrides `key=value` each, the key a path such as `train.lr`, the value JSON or text
 * @param base values by their paths that lie over the file's and under the overrides
 * @throws LlsmError where it is neither, or where the file is no valid config
 */
export function loadConfig(
  nameOrPath: string,
  overrides: readonly string[] = [],
  base: Readonly<Record<string, unknown>> = {},
): Config {
  const given = Object.fromEntries(overrides.map(parseOverride));
  const value = withValues(withValues(readConfig(nameOrPath), base), given);
  return parseConfig(value, [nameOrPath, ...overrides].join(' '));
}

function readConfig(nameOrPath: string): unknown {
  if (Object.hasOwn(PRESETS, nameOrPath)) return PRESETS[nameOrPath];
  let text: string;
  try {
    text = readFileSync(nameOrPath, 'utf8');
  } catch (error) {
    const presets = Object.keys(PRESETS);
    const meant = nearest(nameOrPath, presets);
    throw new LlsmError(
      `${nameOrPath} is neither a preset (${presets.join(', ')}) nor a readable file: ` +
        `${meant ? `did you mean ${meant}?` : messageOf(error)}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LlsmError(`${nameOrPath}: not JSON (${messageOf(error)})`);
  }
}

function parseOverride(override: string): [path: string, value: unknown] {
  const [, path, text] = /^([\w.]+)=(.+)$/.exec(override) ?? [];
  if (!path) throw new UsageError(`--set takes key=value, such as train.lr=1e-3, not ${override}`);
  try {
    return [path, JSON.parse(text)];
  } catch {
    // JSON knows no .05, and no bare words.
    const number = Number(text);
    return [path, Number.isFinite(number) && text.trim() !== '' ? number : text];
  }
}
