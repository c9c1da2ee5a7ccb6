import lanesSource from './conv_lanes.wgsl';
import matrixSource from './conv_matrix.wgsl';
import narrowSource from './conv_narrow.wgsl';
import stagedSource from './conv_staged.wgsl';
import tileSource from './conv_tile.wgsl';
import filterSource from './filter.wgsl';
import filterLanesSource from './filter_lanes.wgsl';
import filterLoadSource from './filter_load.wgsl';
import filterNarrowSource from './filter_narrow.wgsl';
import filterStagedSource from './filter_staged.wgsl';
import filterTileSource from './filter_tile.wgsl';
import productSource from './product.wgsl';
import loadSource from './tile_load.wgsl';
import storeSource from './tile_store.wgsl';

/** Hash of a text: 32 bits of FNV-1a over UTF-16 units, in hexadecimal. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}

/** Version of the shaders that a menu chooses from: what was measured of other ones counts no more. */
export const menuVersion = hashOf(
  [
    ...[lanesSource, narrowSource, tileSource, stagedSource, matrixSource],
    ...[loadSource, storeSource, productSource],
    ...[filterLanesSource, filterNarrowSource, filterTileSource, filterStagedSource],
    ...[filterLoadSource, filterSource],
  ].join('\n'),
);
