// out[b, k, p] = read(x)[b, p, at + k]: positions side by side, so that a lane loads four of one k.
// Positions beyond the map are zero.
struct Params { count: u32, depth: u32, at: u32, channels: u32, positions: u32, padded: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<f32>;
//! end

//! include through

//! include invocation64

fn run(to: u32) {
  if (to >= p.count) { return; }
  let position = to % p.padded;
  let k = (to / p.padded) % p.depth;
  let image = to / (p.padded * p.depth);
  if (position >= p.positions) {
    out[to] = 0.0;
    return;
  }
  let c = p.at + k;
  out[to] = through(x[(image * p.positions + position) * p.channels + c], c, p.channels);
}
