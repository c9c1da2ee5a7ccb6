// The same sum as filter_lanes.wgsl for few columns and a short window (see conv_narrow.wgsl): a lane sums
// all k by $COLUMNS columns over pixels of its own, and the lanes' sums are added at the end.
enable subgroups;

//! include narrow

@group(0) @binding(3) var<storage, read> dOut: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;

//! include narrow_sums

@compute @workgroup_size($LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  //! include narrow_place
  var sum: array<f32, $BLOCKS * $LANES>;

  //! if FLAT
  for (var y = firstRow; y < endRow; y += ${LANES}u) {
    let start = y * p.n + firstColumn;
  //! else
  for (var y = firstRow; y < endRow; y++) {
    let start = ((image * p.outH + y) * p.outW + across) * p.n + firstColumn;
  //! end
    //! for n in 0 .. COLUMNS
    let d$n = dOut[start + ${n}u];
    //! end
    //! for ky in KEEP .. SIDE
    //! include narrow_row
    //! end
    //! for v in 0 .. VALUES
    //! for n in 0 .. COLUMNS
    sum[$v * $COLUMNS + $n] += window[$v] * d$n;
    //! end
    //! end
    //! include narrow_shift
  }

  let row = (p.row0 + work) * ${VALUES}u;
  //! for b in 0 .. BLOCKS
  {
    let total = summed(array(
      //! for l in 0 .. LANES
      sum[$b * $LANES + $l],
      //! end
    ), lane);
    let i = ${b}u * ${LANES}u + lane;
    if (i < ${VALUES}u * ${COLUMNS}u) {
      partial[(row + i / ${COLUMNS}u) * p.n + firstColumn + i % ${COLUMNS}u] = total;
    }
  }
  //! end
}
