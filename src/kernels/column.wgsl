// An invocation's part of a matrix [rows, c4]: column c of rows firstRow up to endRow, so that it
// divides once, and loads once what belongs to the column.
let chunk = invocation / p.c4;
if (chunk >= p.chunks) { return; }
let c = invocation - chunk * p.c4;
let firstRow = chunk * p.chunk;
let endRow = min(firstRow + p.chunk, p.rows);
