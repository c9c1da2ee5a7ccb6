// Where row `first` of `column` lies in the parameter. pack.wgsl and unpack.wgsl go down from there
// by next_row.wgsl, with one division or none.
var at = i32(p.base);
//! if COLUMNPAIR
at += i32(column / p.columnInner) * p.column0 + i32(column % p.columnInner) * p.column1;
//! else
at += i32(column) * p.column1;
//! end
//! if ROWPAIR
var inner = first % p.rowInner;
at += i32(first / p.rowInner) * p.row0 + i32(inner) * p.row1;
let carry = p.row0 - i32(p.rowInner) * p.row1;
//! else
at += i32(first) * p.row1;
//! end
