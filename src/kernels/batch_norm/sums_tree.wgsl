var<workgroup> treeSums: array<vec4f, $INVOCATIONS>;
var<workgroup> treeDots: array<vec4f, $INVOCATIONS>;

/** Adds up two sums over all invocations with the same channels; the first of them gets it. */
fn inTree(sum: ptr<function, vec4f>, dot: ptr<function, vec4f>, id: u32) {
  for (var span = ${LANES}u / 2u; span > 0u; span /= 2u) {
    treeSums[id] = *sum;
    treeDots[id] = *dot;
    workgroupBarrier();
    let other = id + span * ${ACROSS}u;
    if (id < span * ${ACROSS}u) {
      *sum += treeSums[other];
      *dot += treeDots[other];
    }
    workgroupBarrier();
  }
}
