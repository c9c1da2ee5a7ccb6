/** JPEG's encoder, fetched when something is encoded: looking at pictures needs none. */
type Encoder = typeof import('@jsquash/jpeg/encode.js');

// By its path, for the package's name means this file here.
const encoder = (): Promise<Encoder> => import('../node_modules/@jsquash/jpeg/encode.js');

export const init = async (...given: Parameters<Encoder['init']>): Promise<void> =>
  (await encoder()).init(...given);

const encode: Encoder['default'] = async (...given) => (await encoder()).default(...given);
export default encode;
