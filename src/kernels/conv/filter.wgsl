// What filter_lanes.wgsl and filter_tile.wgsl take and give; the latter loads x in fours where it can.
struct Params {
  rows: u32, chunk: u32, chunks: u32, n4: u32, cin: u32, depth: u32, depthTiles: u32,
  inH: u32, inW: u32, outH: u32, outW: u32, kw: u32, stride: u32, row0: u32,
  pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$X>;
@group(0) @binding(2) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<$X>;
//! end
