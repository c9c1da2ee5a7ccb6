// The pair logits of one image, in tiles, and what is made of them. With s the sum, difference or
// product of the two sides at k (by head), and o the `own` position, j the `other`:
//
//   z[o, j] = scale * sum over k of f_k(s) + bias
//     linear f = s        (s = own + other)      mlp      f = v_k relu(s)   (s = own + other)
//     absdiff f = v_k |s|  (s = own - other)     bilinear f = s             (s = own * other)
//
//! if MAP
//   out[b, o, j] = z
//! end
//! if LOSS
//   t = 1 where |m_o - m_j| > 0.5, the loss is BCE(z, t), dz = sigmoid(z) - t
//   partial[row] = [sum of the loss, sum of dz] over the row's pairs, times share[b]
//! if GRAD
//   gradient[b, k, o] = sum over j of dz[o, j] * df_k/ds's shape: 1, [s > 0], sign(s), other
//! end
//! end
//
// The form for GPUs and for any number of k, and the oracle of pairs_lanes.wgsl. An invocation owns
// four positions and goes through all others 16 at a time; the weights v_k and the shares come in
// later, when the gradients are finished (finish.wgsl). Run with the sides exchanged, the same shader
// gives the other side's gradient: z and t are the same for (o, j) and (j, o).
//! if LANES
enable subgroups;
//! end

struct Params {
  images: u32, quads: u32, positions: u32, padded4: u32, depth: u32, depthScale: f32,
  pairShare: f32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> own: array<vec4f>;
//! if LANES
@group(0) @binding(2) var<storage, read> other: array<f32>;
//! else
@group(0) @binding(2) var<storage, read> other: array<vec4f>;
//! end
//! if WEIGHT
@group(0) @binding(3) var<storage, read> weight: array<f32>;
//! end
@group(0) @binding(4) var<storage, read> bias: array<f32>;
//! if LOSS
@group(0) @binding(5) var<storage, read> truth: array<f32>;
@group(0) @binding(6) var<storage, read> share: array<f32>;
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;
//! end
//! if GRAD
@group(0) @binding(8) var<storage, read_write> gradient: array<vec4f>;
//! end
//! if MAP
@group(0) @binding(9) var<storage, read_write> out: array<f32>;
//! end

@compute @workgroup_size($WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let perImage = (p.quads + ${WORKGROUP}u - 1u) / ${WORKGROUP}u;
  let work = group.x + group.z * groups.x;
  if (work >= p.images * perImage) { return; }
  let image = work / perImage;
  let quad = (work % perImage) * ${WORKGROUP}u + lane;
  let inside = quad < p.quads;
  let o = min(quad, p.quads - 1u);
  let first = image * p.depth * p.padded4;
  let places = vec4u(o * 4u) + vec4u(0u, 1u, 2u, 3u);
  let live = select(vec4f(), vec4f(1.0), places < vec4u(p.positions));
  //! if LOSS
  let truthAt = image * p.positions;
  let last = p.positions - 1u;
  let mine = vec4f(
    truth[truthAt + min(places.x, last)], truth[truthAt + min(places.y, last)],
    truth[truthAt + min(places.z, last)], truth[truthAt + min(places.w, last)],
  );
  var loss = vec4f();
  var slope = vec4f();
  //! end

  for (var j0 = 0u; j0 < p.positions; j0 += 16u) {
    //! for s in 0 .. SETS
    //! for l in 0 .. PER
    var z${s}x$l = vec4f();
    //! end
    //! end
    for (var k = 0u; k < p.depth; k++) {
      let row = first + k * p.padded4;
      let a = own[row + o];
      //! include others
      //! if WEIGHT
      let v = weight[k];
      //! end
      //! for s in 0 .. SETS
      //! for l in 0 .. PER
      //! if LINEAR
      z${s}x$l += a + b${s}x$l;
      //! end
      //! if MLP
      z${s}x$l += v * max(a + b${s}x$l, vec4f());
      //! end
      //! if ABSDIFF
      z${s}x$l += v * abs(a - b${s}x$l);
      //! end
      //! if BILINEAR
      z${s}x$l += a * b${s}x$l;
      //! end
      //! end
      //! end
    }
    //! for s in 0 .. SETS
    //! for l in 0 .. PER
    z${s}x$l = z${s}x$l * p.depthScale + bias[0];
    //! end
    //! end

    //! if MAP
    if (inside) {
      //! for s in 0 .. SETS
      //! for l in 0 .. PER
      if (j0 + ${s}u * ${PER}u + ${l}u < p.positions) {
        //! for i in 0 .. 4
        if (o * 4u + ${i}u < p.positions) {
          out[(image * p.positions + o * 4u + ${i}u) * p.positions + j0 + ${s}u * ${PER}u + ${l}u] = z${s}x$l[$i];
        }
        //! end
      }
      //! end
      //! end
    }
    //! end

    //! if LOSS
    //! for s in 0 .. SETS
    //! for l in 0 .. PER
    {
      let there = live * select(0.0, 1.0, j0 + ${s}u * ${PER}u + ${l}u < p.positions);
      let t = select(
        vec4f(), vec4f(1.0), abs(mine - truth[truthAt + min(j0 + ${s}u * ${PER}u + ${l}u, last)]) > vec4f(0.5));
      let e = exp(-abs(z${s}x$l));
      loss += there * (max(z${s}x$l, vec4f()) - z${s}x$l * t + log(1.0 + e));
      z${s}x$l = there * (select(e, vec4f(1.0), z${s}x$l >= vec4f()) / (1.0 + e) - t);
      slope += z${s}x$l;
    }
    //! end
    //! end
    //! if GRAD
    for (var k = 0u; k < p.depth; k++) {
      let row = first + k * p.padded4;
      let a = own[row + o];
      //! include others
      var g = vec4f();
      //! for s in 0 .. SETS
      //! for l in 0 .. PER
      //! if LINEAR
      g += z${s}x$l;
      //! end
      //! if MLP
      g += select(vec4f(), z${s}x$l, a + b${s}x$l > vec4f());
      //! end
      //! if ABSDIFF
      g += z${s}x$l * sign(a - b${s}x$l);
      //! end
      //! if BILINEAR
      g += z${s}x$l * b${s}x$l;
      //! end
      //! end
      //! end
      if (inside) {
        if (j0 > 0u) { g += gradient[row + o]; }
        gradient[row + o] = g;
      }
    }
    //! end
    //! end
  }

  //! if LOSS
  if (inside) {
    let to = (p.row0 + image * p.quads + o) * 2u;
    let factor = share[image] * p.pairShare;
    // A share of zero must hide the item even where its loss is not finite.
    partial[to] = select(0.0, dot(loss, vec4f(factor)), factor != 0.0);
    partial[to + 1u] = select(0.0, dot(slope, vec4f(factor)), factor != 0.0);
  }
  //! end
}
