// An invocation's part of a matrix [rows, c4]: column c of rows firstRow up to endRow, so that it
// divides once, and loads once what belongs to the column.
let work = id.x + id.z * groups.x * 64u;
let chunk = work / p.c4;
if (chunk >= p.chunks) { return; }
let c = work - chunk * p.c4;
let firstRow = chunk * p.chunk;
let endRow = min(firstRow + p.chunk, p.rows);
