// dX (+)= scale * (g - mean(g) - xhat * mean(g * xhat)), g as in backward_sums.wgsl; with fixed
// statistics (evaluation) dX (+)= scale * g.
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

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let step = p.c4;
  let accumulate = p.accumulate != 0u;
  let scale = affine[c];
  //! if RELU
  let shift = affine[step + c];
  //! end
  //! if TRAINING
  let mean = saved[c];
  let invStd = saved[step + c];
  let meanG = means[c];
  let meanDot = means[step + c];
  //! end
  var at = firstRow * step + c;
  for (var row = firstRow; row < endRow; row++) {
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
    if (accumulate) { result += dX[at]; }
    dX[at] = result;
    at += step;
  }
}
