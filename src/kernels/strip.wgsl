// An invocation's part of a map: channel group c and column `across` in rows firstRow up to endRow
// of an image. It rolls down the rows, so that it divides once and may keep what rows share.
let place = invocation / p.c4;
let c = invocation - place * p.c4;
let strip = place / p.across;
let across = place - strip * p.across;
let image = strip / p.strips;
let part = strip - image * p.strips;
if (image >= p.images) { return; }
let firstRow = part * p.strip;
let endRow = min(firstRow + p.strip, p.rows);
