import { readFileSync } from 'node:fs';
import { LlsmError, messageOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type Config, PRESETS, parseConfig, presetConfig } from './config.ts';

/**
 * The config of a preset's name or of a JSON file (Node only).
 *
 * @throws LlsmError where it is neither, or where the file is no valid config
 */
export function loadConfig(nameOrPath: string): Config {
  if (Object.hasOwn(PRESETS, nameOrPath)) return presetConfig(nameOrPath);
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LlsmError(`${nameOrPath}: not JSON (${messageOf(error)})`);
  }
  return parseConfig(value, nameOrPath);
}
