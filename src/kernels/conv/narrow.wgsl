// What the narrow forms share: a subgroup's lanes go down the rows of neighbouring columns of the output, or
// where windows are single pixels, along the pixels as they lie. A lane keeps its window's values, so that
// it loads each but once.
struct Params {
  rows: u32, groups: u32, images: u32, strips: u32, strip: u32, n: u32,
  inH: u32, inW: u32, outH: u32, outW: u32, pad: u32,
  spread: u32, spreadH: u32, spreadW: u32,
  row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<f32>;
//! end
