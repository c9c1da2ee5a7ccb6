at += p.row1;
//! if ROWPAIR
inner++;
if (inner == p.rowInner) {
  inner = 0u;
  at += carry;
}
//! end
