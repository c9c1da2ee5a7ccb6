/** What a cell of a table holds of ours. */
import type { Figures } from './figures.ts';
import type { OverPeople } from './people.ts';
import type { Measure } from './protocol.ts';

/** A cell of ours: all figures of its faces and of its videos. */
export interface CellResult {
  /** Whose figures they are; absent where there are none. */
  training?: string;
  faces: Figures | null;
  /** Null also where no video has two faces. */
  videos: Figures | null;
  /** Of a mean over seeds, in place of an interval. */
  spread?: { faces: Spread; videos: Spread };
  /** Of the AUC by face: its interval over people, and the first row's beside it. */
  people?: OverPeople;
  /** Why there are none. */
  missing?: string;
}

/** A row's cells as one seed gave them. */
export interface SeedResult {
  seed: number;
  /** In the order of the columns. */
  cells: CellResult[];
}

/** Standard deviations over the seeds, as shares; null: a seed has no figure, or there is only one. */
export type Spread = Record<Measure, number | null>;
