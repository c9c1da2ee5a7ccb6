import { readFileSync } from 'node:fs';
import { LlsmError, messageOf, UsageError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import { type Config, PRESETS, parseConfig } from '../../src/config/config.ts';

/**
 * The config of a preset's name or of a JSON file (Node only).
 *
 * @param overrides `key=value` each, the key a path such as `train.lr`, the value JSON or text
 * @throws LlsmError where it is neither, or where the file is no valid config
 */
export function loadConfig(nameOrPath: string, overrides: readonly string[] = []): Config {
  const value = structuredClone(readConfig(nameOrPath));
  for (const override of overrides) set(value, override);
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

function set(config: unknown, override: string): void {
  const [, path, text] = /^([\w.]+)=(.+)$/.exec(override) ?? [];
  if (!path) throw new UsageError(`--set takes key=value, such as train.lr=1e-3, not ${override}`);
  const keys = path.split('.');
  let at = config as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) {
    if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  try {
    at[keys[keys.length - 1]] = JSON.parse(text);
  } catch {
    // JSON knows no .05, and no bare words.
    const number = Number(text);
    at[keys[keys.length - 1]] = Number.isFinite(number) && text.trim() !== '' ? number : text;
  }
}
