/** WebP's decoder, fetched when such a picture comes. */
type Decoder = typeof import('@jsquash/webp/decode.js');

// By its path, for the package's name means this file here.
const decoder = (): Promise<Decoder> => import('../node_modules/@jsquash/webp/decode.js');

export const init = async (...given: Parameters<Decoder['init']>): Promise<void> =>
  (await decoder()).init(...given);

const decode: Decoder['default'] = async (...given) => (await decoder()).default(...given);
export default decode;
