// A GPU's form of backward_sums.wgsl: a workgroup takes a chunk of the pixels of $ACROSS groups of four
// channels. Its invocations go down the rows side by side, and their sums meet in a tree.
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(3) var<storage, read> saved: array<vec4f>;
//! if RELU
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(5) var<storage, read_write> partial: array<vec4f>;

//! include sums_tree

@compute @workgroup_size($INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) id: u32) {
  let channel = group.x * ${ACROSS}u + id % ${ACROSS}u;
  let c = min(channel, p.c4 - 1u);
  let lane = id / ${ACROSS}u;
  let mean = saved[c];
  let invStd = saved[p.c4 + c];
  //! if RELU
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  //! end
  var sum = vec4f();
  var dot = vec4f();
  let end = min((group.y + 1u) * p.chunk, p.rows);
  // Four rows a turn: their loads do not wait for each other. What is beyond the end counts 0.
  for (var row = group.y * p.chunk + lane; row < end; row += ${LANES}u * 4u) {
    //! for r in 0 .. 4
    let at$r = min(row + ${LANES}u * ${r}u, end - 1u) * p.c4 + c;
    let value$r = x[at$r];
    let d$r = dOut[at$r];
    //! end
    //! for r in 0 .. 4
    {
      //! if RELU
      let passes = value$r * scale + shift > vec4f();
      let g = select(vec4f(), d$r, passes & vec4<bool>(row + ${LANES}u * ${r}u < end));
      //! else
      let g = select(vec4f(), d$r, row + ${LANES}u * ${r}u < end);
      //! end
      sum += g;
      dot += g * (value$r - mean) * invStd;
    }
    //! end
  }
  inTree(&sum, &dot, id);
  if (lane > 0u || channel >= p.c4) { return; }
  let to = (p.row0 + group.y) * p.c4 * 2u + c;
  partial[to] = sum;
  partial[to + p.c4] = dot;
}
