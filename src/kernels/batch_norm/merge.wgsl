// Merges partial statistics (count, mean, M2 = sum of squared deviations) by Chan's rule:
// workgroup row r of the result takes rows r * chunk up to (r + 1) * chunk of `stats`.
struct Params { rows: u32, chunk: u32, channels: u32, merged: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> stats: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / p.channels;
  let c = id.x % p.channels;
  if (row >= p.merged) { return; }
  var n = 0.0;
  var mean = 0.0;
  var m2 = 0.0;
  let end = min((row + 1u) * p.chunk, p.rows);
  for (var r = row * p.chunk; r < end; r++) {
    let at = r * 3u * p.channels + c;
    let count = stats[at];
    let delta = stats[at + p.channels] - mean;
    n += count;
    mean += delta * count / n;
    m2 += stats[at + 2u * p.channels] + delta * delta * count * (n - count) / n;
  }
  let to = row * 3u * p.channels + c;
  out[to] = n;
  out[to + p.channels] = mean;
  out[to + 2u * p.channels] = m2;
}
