// What conv_lanes.wgsl and conv_tile.wgsl take and give; the latter loads x in fours where it can.
struct Params {
  rows: u32, tiles: u32, n4: u32, cin: u32,
  inH: u32, inW: u32, outH: u32, outW: u32,
  kh: u32, kw: u32, stride: u32, pad: u32,
  // Where output row m goes: pixel (y * spread, x * spread) of a map spreadH by spreadW.
  spread: u32, spreadH: u32, spreadW: u32,
  row0: u32,
  // x is a map with zeros between: its rows and columns stand so far apart.
  apart: u32,
  //! if GENERAL
  // What else is a constant: read is max(x, least);
  // stored is max(sum, sum * slope) between low and high,
  // and of the sum the bias is a part where there is one.
  least: f32, slope: f32, low: f32, high: f32,
  biased: u32,
  //! end
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$X>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
//! if AFFINE
@group(0) @binding(4) var<storage, read> affine: array<$X>;
//! end
//! if MASK
@group(0) @binding(5) var<storage, read> masked: array<vec4f>;
//! end
//! if BIAS
@group(0) @binding(6) var<storage, read> bias: array<vec4f>;
//! end
//! if STATS
@group(0) @binding(7) var<storage, read_write> stats: array<vec4f>;
//! end
//! if ACTIVATION

//! include activation
//! end
