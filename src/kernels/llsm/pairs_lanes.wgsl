// The logits z of all pairs of an image's positions, and what is made of them: the maths of
// pairs_tile.wgsl in the software drivers' form, for up to 64 k and with the gradients finished. With o a
// position of the side `own`, and j one of the side `other`:
//
//! if MAP
//   out[b, j, o] = z
//! end
//! if LOSS
//   sums[row] = [loss, dz] summed over the workgroup's pairs, times share[b] * lossShare
//! if GRAD
//   out[b, o, ownAt + k] = share[b] * gradientShare * depthScale * v_k * g_k, with
//     g_k = sum over j of dz * (1, [s > 0], sign(s) or other, by head)
//   sums[row, 2 + k] = share[b] * gradientShare * sum over o of own_k g_k: this side's part of the
//     gradient of v_k, since relu(s) = s [s > 0] and |s| = s sign(s)
//! end
//! end
//
// z and t are the same for (o, j) and (j, o): run with the sides exchanged (and lossShare 0, since
// those sums are made already), the same shader gives the other side's gradient.
//
// A workgroup is one subgroup. An invocation keeps four positions' values and their g in registers (here
// the stack, where an access costs what arithmetic does, and a load from a buffer many times that) and
// goes through the other positions one by one: each lane loads other k of such a position, and they share
// them by broadcast with a constant lane.
enable subgroups;

struct Params {
  images: u32, positions: u32, tiles: u32, depth: u32,
  // $TERMS, as a number that the driver does not know: it would unroll loops up to it.
  terms: u32,
  ownChannels: u32, ownAt: u32, otherChannels: u32, otherAt: u32,
  // Channels behind the own side's that no side has: they are set to zero.
  padding: u32,
  depthScale: f32, lossShare: f32, gradientShare: f32,
  // Of `sums`.
  columns: u32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> own: array<f32>;
//! if !SAME
@group(0) @binding(2) var<storage, read> other: array<f32>;
//! end
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//! if WEIGHT
@group(0) @binding(4) var<storage, read> weight: array<f32>;
//! end
//! if AFFINE
@group(0) @binding(5) var<storage, read> affine: array<f32>;
//! end
//! if LOSS
@group(0) @binding(6) var<storage, read> truth: array<f32>;
@group(0) @binding(7) var<storage, read> share: array<f32>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;
//! end
//! if OUT
@group(0) @binding(9) var<storage, read_write> out: array<f32>;
//! end

var<private> lane: u32;
// Which of the own positions are on the map.
var<private> live: vec4<bool>;
//! if MLP
// With their sign changed, so that own + other > 0 is one comparison.
//! end
var<private> ours: array<vec4f, $TERMS>;
var<private> theirs: array<f32, $LOADS>;
//! if WEIGHT
var<private> v: array<f32, $TERMS>;
//! end
//! if LOSS
var<private> truthOfOurs: vec4f;
var<private> loss: vec4f;
var<private> slope: vec4f;
//! end
//! if GRAD
var<private> g: array<vec4f, $TERMS>;
//! end

//! include through

fn ownValue(at: u32, k: u32) -> f32 { return through(own[at + k], p.ownAt + k, p.ownChannels); }

// Takes in our values, whose rows of channels begin at `rows`, and the weights: zero beyond the last k.
fn readOurs(rows: vec4u) {
  for (var i = 0u; i < p.terms; i++) {
    let k = min(i, p.depth - 1u);
    let a = vec4f(
      ownValue(rows.x, k), ownValue(rows.y, k), ownValue(rows.z, k), ownValue(rows.w, k));
    ours[i] = select(vec4f(), ${SIGN}a, i < p.depth);
    //! if WEIGHT
    v[i] = select(0.0, weight[k], i < p.depth);
    //! end
  }
}

fn readTheirs(row: u32) {
  //! for s in 0 .. LOADS
  let k$s = min(${s}u * ${LANES}u + lane, p.depth - 1u);
  //! if SAME
  theirs[$s] = through(own[row + k$s], p.otherAt + k$s, p.otherChannels);
  //! else
  theirs[$s] = through(other[row + k$s], p.otherAt + k$s, p.otherChannels);
  //! end
  //! end
}

fn logits() -> vec4f {
  var z = vec4f();
  //! for k in 0 .. TERMS
  {
    let b = subgroupBroadcast(theirs[${k}u / ${LANES}u], ${k}u % ${LANES}u);
    //! if LINEAR
    z += ours[$k] + b;
    //! end
    //! if MLP
    z += v[$k] * max(b - ours[$k], vec4f());
    //! end
    //! if ABSDIFF
    z += v[$k] * abs(ours[$k] - b);
    //! end
    //! if BILINEAR
    z += ours[$k] * b;
    //! end
  }
  //! end
  return z * p.depthScale + bias[0];
}

//! if MAP
fn storeLogits(row: u32, z: vec4f) {
  //! for i in 0 .. 4
  if (live[$i]) { out[row + ${i}u] = z[$i]; }
  //! end
}
//! end

//! if LOSS
// Adds up loss and slope, and gives dz.
fn learn(z: vec4f, truthOfTheirs: f32) -> vec4f {
  let t = select(vec4f(), vec4f(1.0), abs(truthOfOurs - truthOfTheirs) > vec4f(0.5));
  let e = exp(-abs(z));
  loss += max(z, vec4f()) - z * t + log(1.0 + e);
  let dz = select(e, vec4f(1.0), z >= vec4f()) / (1.0 + e) - t;
  slope += dz;
  return dz;
}

// The row of sums over our positions. A factor of zero hides what is not finite.
fn storeSums(row: u32, shareOfItem: f32) {
  for (var c = 0u; c < p.columns; c++) {
    var x = select(slope, loss, c == 0u);
    var factor = shareOfItem * p.lossShare;
    //! if GRAD
    if (c >= 2u) {
      x = ${SIGN}ours[c - 2u] * g[c - 2u];
      factor = shareOfItem * p.gradientShare;
    }
    //! end
    let sum = subgroupAdd(dot(select(vec4f(), x, live), vec4f(1.0)));
    if (lane == 0u) { sums[row * p.columns + c] = select(0.0, factor * sum, factor != 0.0); }
  }
}
//! end

//! if GRAD
fn addSums(dz: vec4f) {
  //! for k in 0 .. TERMS
  {
    let b = subgroupBroadcast(theirs[${k}u / ${LANES}u], ${k}u % ${LANES}u);
    //! if LINEAR
    g[$k] += dz;
    //! end
    //! if MLP
    g[$k] += select(vec4f(), dz, vec4f(b) > ours[$k]);
    //! end
    //! if ABSDIFF
    g[$k] += dz * sign(ours[$k] - b);
    //! end
    //! if BILINEAR
    g[$k] += dz * b;
    //! end
  }
  //! end
}

// The gradients of our values, and zero for the padding behind them.
fn storeGradients(rows: vec4u, factor: f32) {
  for (var k = 0u; k < p.depth + p.padding; k++) {
    var value = vec4f();
    if (k < p.depth) {
      value = factor * p.depthScale * g[k];
      //! if WEIGHT
      value *= v[k];
      //! end
      //! if MASK
      value = select(vec4f(), value, ours[k] > vec4f());
      //! end
    }
    //! for i in 0 .. 4
    if (live[$i]) { out[rows[$i] + k] = value[$i]; }
    //! end
  }
}
//! end

@compute @workgroup_size($LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  lane = invocation;
  let work = group.x + group.z * groups.x;
  if (work >= p.images * p.tiles) { return; }
  let image = work / p.tiles;
  let first = image * p.positions;
  let o = ((work % p.tiles) * ${LANES}u + lane) * 4u;
  let places = vec4u(o) + vec4u(0u, 1u, 2u, 3u);
  live = places < vec4u(p.positions);
  let ourPlaces = first + min(places, vec4u(p.positions - 1u));
  let rows = ourPlaces * p.ownChannels + p.ownAt;
  var end = p.positions;
  //! if LOSS
  // Where nothing counts, nothing is computed.
  let shareOfItem = share[image];
  end = select(0u, end, shareOfItem != 0.0);
  truthOfOurs = vec4f(
    truth[ourPlaces.x], truth[ourPlaces.y], truth[ourPlaces.z], truth[ourPlaces.w]);
  //! end
  readOurs(rows);
  for (var j = 0u; j < end; j++) {
    readTheirs((first + j) * p.otherChannels + p.otherAt);
    let z = logits();
    //! if MAP
    storeLogits((first + j) * p.positions + o, z);
    //! end
    //! if LOSS
    let dz = learn(z, truth[first + j]);
    //! end
    //! if GRAD
    addSums(dz);
    //! end
  }
  //! if GRAD
  storeGradients(rows, shareOfItem * p.gradientShare);
  //! end
  //! if LOSS
  storeSums(p.row0 + work, shareOfItem);
  //! end
}
