// The same sum as conv_lanes.wgsl for few columns and a short window, which would leave most of that form's lanes
// idle: a lane makes $COLUMNS columns of a pixel of its own, from weights that each lane holds all of.
enable subgroups;

//! include narrow

@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
//! if MASK
@group(0) @binding(5) var<storage, read> masked: array<f32>;
//! end
//! if BIAS
@group(0) @binding(6) var<storage, read> bias: array<f32>;
//! end
//! if STATS
@group(0) @binding(7) var<storage, read_write> stats: array<f32>;

//! include narrow_sums
//! end
//! if ACTIVATION

//! include activation
//! end

@compute @workgroup_size($LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  //! include narrow_place
  // Loaded across lanes, then shared: a load of one value costs as much as one of $LANES.
  var weight: array<f32, $BLOCKS * $LANES>;
  //! for b in 0 .. BLOCKS
  {
    let i = min(${b}u * ${LANES}u + lane, ${VALUES}u * ${COLUMNS}u - 1u);
    let loaded = w[i / ${COLUMNS}u * p.n + firstColumn + i % ${COLUMNS}u];
    //! for l in 0 .. LANES
    weight[$b * $LANES + $l] = subgroupBroadcast(loaded, ${l}u);
    //! end
  }
  //! end
  //! if BIAS
  //! for n in 0 .. COLUMNS
  let bias$n = bias[firstColumn + ${n}u];
  //! end
  //! end
  //! if STATS
  var count = 0.0;
  var mean: array<f32, $SUMS * $LANES>;
  var squares: array<f32, $SUMS * $LANES>;
  //! end

  //! if FLAT
  for (var y = firstRow; y < endRow; y += ${LANES}u) {
  //! else
  for (var y = firstRow; y < endRow; y++) {
  //! end
    //! for ky in KEEP .. SIDE
    //! include narrow_row
    //! end
    //! for n in 0 .. COLUMNS
    //! if BIAS
    var acc$n = bias$n;
    //! else
    var acc$n = 0.0;
    //! end
    //! end
    //! for v in 0 .. VALUES
    //! for n in 0 .. COLUMNS
    acc$n += window[$v] * weight[$v * $COLUMNS + $n];
    //! end
    //! end
    //! if STATS
    // Each value moves the mean: merged later without the cancellation of E[x^2] - E[x]^2.
    count += 1.0;
    let share = 1.0 / count;
    //! for n in 0 .. COLUMNS
    let off$n = acc$n - mean[$n];
    mean[$n] += off$n * share;
    squares[$n] += off$n * (acc$n - mean[$n]);
    //! end
    //! end
    //! if FLAT
    let to = y * p.n + firstColumn;
    //! else
    let to = ((image * p.spreadH + y * p.spread) * p.spreadW + across * p.spread) * p.n + firstColumn;
    //! end
    //! for n in 0 .. COLUMNS
    //! if MASK
    acc$n = select(0.0, acc$n, masked[to + ${n}u] > 0.0);
    //! end
    //! if ACTIVATION
    acc$n = activated(vec4f(acc$n)).x;
    //! end
    //! if ACCUMULATE
    acc$n += out[to + ${n}u];
    //! end
    out[to + ${n}u] = acc$n;
    //! end
    //! include narrow_shift
  }

  //! if STATS
  let rows = subgroupAdd(count);
  let row = (p.row0 + work) * p.n * 3u + firstColumn;
  //! for b in 0 .. SUMS
  {
    let all = summed(array(
      //! for l in 0 .. LANES
      mean[$b * $LANES + $l] * count,
      //! end
    ), lane) / rows;
    //! for l in 0 .. LANES
    let away$l = mean[$b * $LANES + $l] - subgroupBroadcast(all, ${l}u);
    //! end
    let around = summed(array(
      //! for l in 0 .. LANES
      squares[$b * $LANES + $l] + away$l * away$l * count,
      //! end
    ), lane);
    let n = ${b}u * ${LANES}u + lane;
    if (n < ${COLUMNS}u) {
      stats[row + n] = rows;
      stats[row + p.n + n] = all;
      stats[row + 2u * p.n + n] = around;
    }
  }
  //! end
  //! end
}
