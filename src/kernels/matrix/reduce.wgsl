// A GPU's form of unpack.wgsl: adds up partial rows of a matrix in fixed order and stores it in the
// parameter's own layout; $PARTS matrices in one dispatch, whose parameters lie in one buffer.
//
// A workgroup takes `across` values of a matrix. Its invocations go through the partial rows side by
// side, and their sums meet in a tree.
struct Params {
  //! for j in 0 .. PARTS
  end_$j: u32, across_$j: u32, partials_$j: u32, width_$j: u32, at_$j: u32,
  rows_$j: u32, rowInner_$j: u32, columns_$j: u32, columnInner_$j: u32, padded_$j: u32,
  base_$j: u32, row0_$j: i32, row1_$j: i32, column0_$j: i32, column1_$j: i32,
  scale_$j: f32,
  //! end
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> parameter: array<f32>;
//! for j in 0 .. PARTS
@group(0) @binding(1${j}) var<storage, read> partial_$j: array<f32>;
//! end

var<workgroup> sums: array<f32, 256>;

//! for j in 0 .. PARTS
fn reduce_$j(work: u32, id: u32) {
  let lanes = 256u / p.across_$j;
  let lane = id / p.across_$j;
  let value = work * p.across_$j + id % p.across_$j;
  let row = value / p.columns_$j;
  let column = value % p.columns_$j;
  let inside = row < p.rows_$j;
  let step = lanes * p.width_$j;
  var i = p.at_$j + row * p.padded_$j + column + lane * p.width_$j;
  var k = select(p.partials_$j, lane, inside);
  var sum = 0.0;
  // Four rows a turn: their loads do not wait for each other.
  for (; k + 3u * lanes < p.partials_$j; k += 4u * lanes) {
    let a = partial_$j[i];
    let b = partial_$j[i + step];
    let c = partial_$j[i + 2u * step];
    let d = partial_$j[i + 3u * step];
    sum += (a + b) + (c + d);
    i += 4u * step;
  }
  for (; k < p.partials_$j; k += lanes) {
    sum += partial_$j[i];
    i += step;
  }
  sums[id] = sum;
  for (var span = lanes / 2u; span > 0u; span /= 2u) {
    workgroupBarrier();
    if (lane < span) { sums[id] += sums[id + span * p.across_$j]; }
  }
  if (lane > 0u || !inside) { return; }
  let at = i32(p.base_$j)
    + i32(column / p.columnInner_$j) * p.column0_$j + i32(column % p.columnInner_$j) * p.column1_$j
    + i32(row / p.rowInner_$j) * p.row0_$j + i32(row % p.rowInner_$j) * p.row1_$j;
  parameter[at] = sums[id] * p.scale_$j;
}

//! end
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  var work = group.x + group.z * groups.x;
  //! for j in 0 .. PARTS
  if (work < p.end_$j) {
    reduce_$j(work, id);
    return;
  }
  work -= p.end_$j;
  //! end
}
