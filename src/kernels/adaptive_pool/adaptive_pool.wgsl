// Adaptive average pool: out = mean over the bin; of a large bin every invocation sums some rows,
// and the sums are added up afterwards.
struct Params {
  images: u32, parts: u32, size: u32, c4: u32, inH: u32, inW: u32, width: u32, at: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> partial: array<$TYPE>;
//! if AFFINE
@group(0) @binding(3) var<storage, read> affine: array<$TYPE>;
//! end

//! include bins

//! include invocation64

fn run(work: u32) {
  let bins = p.size * p.size;
  let place = work / p.c4;
  let c = work - place * p.c4;
  let bin = place % bins;
  let part = (place / bins) % p.parts;
  let image = place / (bins * p.parts);
  if (image >= p.images) { return; }
  let y0 = binStart(bin / p.size, p.inH, p.size);
  let y1 = binEnd(bin / p.size, p.inH, p.size);
  let x0 = binStart(bin % p.size, p.inW, p.size);
  let x1 = binEnd(bin % p.size, p.inW, p.size);
  let share = (y1 - y0 + p.parts - 1u) / p.parts;
  let first = y0 + part * share;
  let end = min(first + share, y1);
  let step = p.c4;
  //! if AFFINE
  let scale = affine[c];
  let shift = affine[step + c];
  //! end
  var sum = $TYPE();
  for (var y = first; y < end; y++) {
    var at = ((image * p.inH + y) * p.inW + x0) * step + c;
    var row = $TYPE();
    for (var column = x0; column < x1; column++) {
      var value = x[at];
      //! if AFFINE
      value = value * scale + shift;
      //! end
      //! if RELU
      value = max(value, $TYPE());
      //! end
      row += value;
      at += step;
    }
    sum += row;
  }
  let to = part * p.width + p.at + (image * bins + bin) * step + c;
  partial[to] = sum / f32((y1 - y0) * (x1 - x0));
}
