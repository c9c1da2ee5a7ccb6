// dX (+)= scale * (g - mean(g) - xhat * mean(g * xhat)), g as in backward_sums.wgsl; with fixed
// statistics (evaluation) dX (+)= scale * g.
//
// An invocation goes down four channels of `chunk` pixels, so that what belongs to the channel is
// loaded once.
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! if NEEDX
@group(0) @binding(3) var<storage, read> x: array<vec4f>;
//! end
//! if TRAINING
@group(0) @binding(4) var<storage, read> saved: array<vec4f>;
@group(0) @binding(5) var<storage, read> means: array<vec4f>;
//! end
@group(0) @binding(6) var<storage, read_write> dX: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  let chunk = work / p.c4;
  if (chunk >= p.chunks) { return; }
  let c = work % p.c4;
  let scale = affine[c];
  //! if RELU
  let shift = affine[p.c4 + c];
  //! end
  //! if TRAINING
  let mean = saved[c];
  let invStd = saved[p.c4 + c];
  let meanG = means[c];
  let meanDot = means[p.c4 + c];
  //! end
  let end = min((chunk + 1u) * p.chunk, p.rows);
  for (var row = chunk * p.chunk; row < end; row++) {
    let at = row * p.c4 + c;
    var g = dOut[at];
    //! if NEEDX
    let value = x[at];
    //! end
    //! if RELU
    g = select(vec4f(), g, value * scale + shift > vec4f());
    //! end
    //! if TRAINING
    let xhat = (value - mean) * invStd;
    g = g - meanG - xhat * meanDot;
    //! end
    var result = g * scale;
    if (p.accumulate != 0u) { result += dX[at]; }
    dX[at] = result;
  }
}
