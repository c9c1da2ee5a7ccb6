/** The hash by which a file is known again (Node only). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

/** SHA-256 of a file, in hexadecimal. @throws LlsmError naming a file that cannot be read */
export function sha256Of(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
}
