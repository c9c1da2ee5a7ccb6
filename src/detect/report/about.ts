/** What a report tells of how it was made; the same in Node and in a page. */
import type { Config } from '../../config/config.ts';

/** Facts of a network, as names and values in words. */
export const networkFacts = ({
  size,
  width,
  llsm,
  flm,
  head,
}: Config): [name: string, value: string][] => [
  ['Input', `${size} × ${size} pixels`],
  ['Width', `${width} of the paper's`],
  ['Pairs (LLSM)', llsm ? `${llsm.head} head at ${llsm.tap}` : 'none'],
  ['Mask (FLM)', flm ? 'yes' : 'none'],
  ['Classified by', flm ? head.source : 'encoder'],
];

/** When a report is made, to the minute, with the zone. */
export const madeNow = (): string =>
  `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
