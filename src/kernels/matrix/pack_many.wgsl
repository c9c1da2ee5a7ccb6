// A GPU's form of pack.wgsl: $PARTS parameters of one buffer, each as a dense matrix, in one dispatch.
struct Params {
  //! for j in 0 .. PARTS
  end_$j: u32,
  rows_$j: u32, rowInner_$j: u32, columns_$j: u32, columnInner_$j: u32, padded_$j: u32, padRows_$j: u32,
  base_$j: u32, row0_$j: i32, row1_$j: i32, column0_$j: i32, column1_$j: i32,
  //! end
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;
//! for j in 0 .. PARTS
@group(0) @binding(1${j}) var<storage, read_write> matrix_$j: array<f32>;
//! end

//! for j in 0 .. PARTS
fn pack_$j(value: u32) {
  let row = value / p.padded_$j;
  let column = value % p.padded_$j;
  if (row >= p.padRows_$j) { return; }
  var packed = 0.0;
  if (row < p.rows_$j && column < p.columns_$j) {
    let at = i32(p.base_$j)
      + i32(column / p.columnInner_$j) * p.column0_$j + i32(column % p.columnInner_$j) * p.column1_$j
      + i32(row / p.rowInner_$j) * p.row0_$j + i32(row % p.rowInner_$j) * p.row1_$j;
    packed = parameter[at];
  }
  matrix_$j[value] = packed;
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
    pack_$j(work * 256u + id);
    return;
  }
  work -= p.end_$j;
  //! end
}
