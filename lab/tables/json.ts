/** JSON files of a known form (Node only). */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { problemsOf } from '../../src/base/problems.ts';

/** @throws LlsmError naming the file: it cannot be read, is not JSON, or has wrong fields (all named) */
export function readJson<T>(path: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new LlsmError(`${path} cannot be used: ${messageOf(error)}`);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new LlsmError(`${path}: ${problemsOf(result.error)}`);
  return result.data;
}
