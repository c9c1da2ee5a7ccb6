// Where a lane begins and ends, and the values of its window.
let work = group.x + group.z * groups.x;
if (work >= p.groups) { return; }
let firstColumn = group.y * ${COLUMNS}u;
//! if FLAT
let firstRow = work * p.strip * ${LANES}u + lane;
let endRow = min(firstRow + p.strip * ${LANES}u, p.rows);
//! else
let across = (work * ${LANES}u + lane) % p.outW;
let part = (work * ${LANES}u + lane) / p.outW;
let image = part / p.strips;
let firstRow = (part % p.strips) * p.strip;
let endRow = select(firstRow, min(firstRow + p.strip, p.outH), image < p.images);
//! for kx in 0 .. SIDE
let ix$kx = across * ${STRIDE}u + ${kx}u - p.pad;
//! end
//! end
//! if AFFINE
//! for c in 0 .. CIN
let scale$c = affine[${c}u];
let shift$c = affine[${CIN}u + ${c}u];
//! end
//! end
var window: array<f32, $VALUES>;
//! if KEEP
if (firstRow < endRow) {
  let y = firstRow;
  //! for ky in 0 .. KEEP
  //! include narrow_row
  //! end
}
//! end
