// sums[b, o, k] = sum over the drawn pairs of position o of dz * the shape of df_k (pairs_tile.wgsl),
// gathered by lists of each position's pairs, so that the order of the sum is fixed.
struct Params {
  count: u32, pairs: u32, positions: u32, depth: u32, ownChannels: u32, ownAt: u32,
  otherChannels: u32, otherAt: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> own: array<f32>;
@group(0) @binding(2) var<storage, read> other: array<f32>;
@group(0) @binding(3) var<storage, read> each: array<vec2f>;
// starts[b, o] up to starts[b, o + 1] are the places of o's pairs in `order`, which gives the pair.
@group(0) @binding(4) var<storage, read> starts: array<u32>;
@group(0) @binding(5) var<storage, read> order: array<u32>;
@group(0) @binding(6) var<storage, read> drawn: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;
//! if AFFINE
@group(0) @binding(8) var<storage, read> affine: array<f32>;
//! end

//! include through

//! include invocation64

fn run(at: u32) {
  if (at >= p.count) { return; }
  let k = at % p.depth;
  let position = (at / p.depth) % p.positions;
  let image = at / (p.depth * p.positions);
  let ours = own[(image * p.positions + position) * p.ownChannels + p.ownAt + k];
  let a = through(ours, p.ownAt + k, p.ownChannels);
  let end = starts[image * (p.positions + 1u) + position + 1u];
  var g = 0.0;
  for (var q = starts[image * (p.positions + 1u) + position]; q < end; q++) {
    let pair = image * p.pairs + order[image * p.pairs + q];
    let d = each[pair].y;
    let theirs = other[(image * p.positions + drawn[pair].$PARTNER) * p.otherChannels + p.otherAt + k];
    let b = through(theirs, p.otherAt + k, p.otherChannels);
    //! if LINEAR
    g += d;
    //! end
    //! if MLP
    g += select(0.0, d, a + b > 0.0);
    //! end
    //! if ABSDIFF
    g += d * sign(a - b);
    //! end
    //! if BILINEAR
    g += d * b;
    //! end
  }
  sums[at] = g;
}
