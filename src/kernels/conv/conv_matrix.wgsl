// The same sum as conv_tile.wgsl by the matrix units of a GPU: operands rounded to 16 bits, sums in 32.
// $ACROSS * $DOWN invocations are four subgroups of 32, which make a quarter of a tile of 64 x 64 each,
// of matrices $M x $M. The feature is Dawn's alone, and experimental.
diagnostic(off, chromium.subgroup_matrix_uniformity);
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

//! include product

alias Left = subgroup_matrix_left<f16, $M, $M>;
alias Right = subgroup_matrix_right<f16, $M, $M>;
alias Sums = subgroup_matrix_result<f32, $M, $M>;

var<workgroup> tileX: array<f16, 64 * $DEPTH>;
var<workgroup> tileW: array<f16, $DEPTH * 64>;
// Half of the tile's rows: what subgroups hold, as every invocation can read it.
var<workgroup> half: array<f32, 32 * 64>;

//! include tile_load

@compute @workgroup_size($INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let tile = group.x + group.z * groups.x;
  if (tile >= p.tiles) { return; }
  let firstRow = tile * ${TILEROWS}u;
  let firstColumn = group.y * ${TILECOLUMNS}u;
  let across = id % ${ACROSS}u;
  let down = id / ${ACROSS}u;
  let blockRow = id / 64u;
  let blockColumn = (id / 32u) % 2u;

  // What this invocation loads: four channels of a row, and four columns, $LOADS times each.
  //! for j in 0 .. LOADS
  let slot$j = id + ${j}u * ${INVOCATIONS}u;
  let loadRow$j = slot$j / (${DEPTH}u / 4u);
  let loadC$j = (slot$j % (${DEPTH}u / 4u)) * 4u;
  let m$j = min(firstRow + loadRow$j, p.rows - 1u);
  let image$j = m$j / (p.outH * p.outW);
  let oy$j = (m$j / p.outW) % p.outH;
  let ox$j = m$j % p.outW;
  let wRow$j = slot$j / ${TILECOLUMNS}u;
  let wColumn$j = slot$j % ${TILECOLUMNS}u;
  let wn$j = min(firstColumn + wColumn$j, p.n4 - 1u);
  //! end

  //! for i in 0 .. BLOCKS
  //! for j in 0 .. BLOCKS
  var sums${i}_$j: Sums;
  //! end
  //! end
  for (var ky = 0u; ky < p.kh; ky++) {
    for (var kx = 0u; kx < p.kw; kx++) {
      let tap = ky * p.kw + kx;
      for (var c = 0u; c < p.cin; c += ${DEPTH}u) {
        //! for j in 0 .. LOADS
        let x$j = vec4<f16>(load(
          image$j,
          oy$j * p.stride + ky - p.pad,
          ox$j * p.stride + kx - p.pad,
          c + loadC$j,
        ));
        let wc$j = c + wRow$j;
        let w$j = vec4<f16>(select(
          vec4f(),
          w[(tap * p.cin + min(wc$j, p.cin - 1u)) * p.n4 + wn$j],
          wc$j < p.cin,
        ));
        //! end
        workgroupBarrier();
        //! for j in 0 .. LOADS
        //! for i in 0 .. 4
        tileX[loadRow$j * ${DEPTH}u + loadC$j + ${i}u] = x$j[$i];
        tileW[wRow$j * 64u + wColumn$j * 4u + ${i}u] = w$j[$i];
        //! end
        //! end
        workgroupBarrier();
        for (var k = 0u; k < ${DEPTH}u; k += ${M}u) {
          //! for i in 0 .. BLOCKS
          let left$i = subgroupMatrixLoad<Left, row_major>(
            &tileX, (blockRow * 32u + ${i}u * ${M}u) * ${DEPTH}u + k, ${DEPTH}u);
          //! end
          //! for j in 0 .. BLOCKS
          let right$j = subgroupMatrixLoad<Right, row_major>(
            &tileW, k * 64u + blockColumn * 32u + ${j}u * ${M}u, 64u);
          //! for i in 0 .. BLOCKS
          sums${i}_$j = subgroupMatrixMultiplyAccumulate(left$i, right$j, sums${i}_$j);
          //! end
          //! end
        }
      }
    }
  }

  //! for h in 0 .. 2
  workgroupBarrier();
  if (blockRow == ${h}u) {
    //! for i in 0 .. BLOCKS
    //! for j in 0 .. BLOCKS
    subgroupMatrixStore<row_major>(
      &half, ${i}u * ${M}u * 64u + blockColumn * 32u + ${j}u * ${M}u, sums${i}_$j, 64u);
    //! end
    //! end
  }
  workgroupBarrier();
  //! for r in 0 .. 4
  let at${h}_$r = (${r}u * ${DOWN}u + down) * 64u + across * 4u;
  var half${h}_$r = vec4f(half[at${h}_$r], half[at${h}_$r + 1u], half[at${h}_$r + 2u], half[at${h}_$r + 3u]);
  //! end
  //! end
  workgroupBarrier();

  // As tile_store.wgsl takes them: rows of the first half, then of the second.
  //! for r in 0 .. 4
  let row$r = ${r}u * ${DOWN}u + down;
  var acc${r}_0 = half0_$r;
  //! end
  //! for r in 4 .. 8
  let row$r = ${r}u * ${DOWN}u + down;
  //! end
  var acc4_0 = half1_0;
  var acc5_0 = half1_1;
  var acc6_0 = half1_2;
  var acc7_0 = half1_3;

  //! include tile_store
}
