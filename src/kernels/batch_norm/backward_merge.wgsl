// Adds the partial rows up: dBeta = sum of g, dGamma = sum of g * xhat; and both divided by the
// number of pixels, as backward_apply.wgsl takes them. A row of `width` holds the sums of g from `at`
// on, those of g * xhat from `dotAt` on.
struct Params { rows: u32, c4: u32, width: u32, at: u32, dotAt: u32, pixels: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> means: array<vec4f>;
//! if GRADS
@group(0) @binding(3) var<storage, read_write> dGamma: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dBeta: array<vec4f>;
//! end
//! if TREE

//! include sums_tree
//! end

@compute @workgroup_size($INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) id: u32) {
  let c = group.x * ${ACROSS}u + id % ${ACROSS}u;
  let first = id / ${ACROSS}u;
  var sum = vec4f();
  var dot = vec4f();
  if (c < p.c4) {
    for (var row = first; row < p.rows; row += ${LANES}u) {
      sum += partial[row * p.width + p.at + c];
      dot += partial[row * p.width + p.dotAt + c];
    }
  }
  //! if TREE
  inTree(&sum, &dot, id);
  //! end
  if (first > 0u || c >= p.c4) { return; }
  means[c] = sum / p.pixels;
  means[p.c4 + c] = dot / p.pixels;
  //! if GRADS
  dBeta[c] = sum;
  dGamma[c] = dot;
  //! end
}
