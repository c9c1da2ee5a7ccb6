/** Of four channels: how many values, their mean, and the sum of squared deviations from it. */
struct Statistics { n: f32, mean: vec4f, m2: vec4f }

/** Rows `first`, first + `step` up to `end` of `stats` [rows, 3, c4] as one, by Chan's rule. */
fn merged(first: u32, end: u32, step: u32, c: u32, c4: u32) -> Statistics {
  var all = Statistics();
  for (var row = first; row < end; row += step) {
    let at = row * 3u * c4 + c;
    let count = stats[at].x;
    let delta = stats[at + c4] - all.mean;
    let n = all.n + count;
    all.mean += delta * count / n;
    all.m2 += stats[at + 2u * c4] + delta * delta * count * all.n / n;
    all.n = n;
  }
  return all;
}
