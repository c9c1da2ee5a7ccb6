/** Bin i of `bins` over n values: from floor(i * n / bins) up to ceil((i + 1) * n / bins) (torch). */
fn binStart(i: u32, n: u32, bins: u32) -> u32 { return (i * n) / bins; }
fn binEnd(i: u32, n: u32, bins: u32) -> u32 { return ((i + 1u) * n + bins - 1u) / bins; }
