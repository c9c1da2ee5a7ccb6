var<workgroup> counts: array<f32, $INVOCATIONS>;
var<workgroup> means: array<vec4f, $INVOCATIONS>;
var<workgroup> squares: array<vec4f, $INVOCATIONS>;

/** Statistics of all invocations with the same channels, by Chan's rule; the first of them gets it. */
fn inTree(mine: Statistics, id: u32) -> Statistics {
  var all = mine;
  for (var span = ${LANES}u / 2u; span > 0u; span /= 2u) {
    counts[id] = all.n;
    means[id] = all.mean;
    squares[id] = all.m2;
    workgroupBarrier();
    let other = id + span * ${ACROSS}u;
    if (id < span * ${ACROSS}u && counts[other] > 0.0) {
      let delta = means[other] - all.mean;
      let n = all.n + counts[other];
      all.mean += delta * counts[other] / n;
      all.m2 += squares[other] + delta * delta * counts[other] * all.n / n;
      all.n = n;
    }
    workgroupBarrier();
  }
  return all;
}
