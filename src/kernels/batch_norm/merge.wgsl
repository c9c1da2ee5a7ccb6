// Merges partial statistics: row r of the result takes rows r * chunk up to (r + 1) * chunk.
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> stats: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

//! include statistics

//! include invocation64

fn run(invocation: u32) {
  //! include column
  let all = merged(firstRow, endRow, 1u, c, p.c4);
  let to = chunk * 3u * p.c4 + c;
  out[to] = vec4f(all.n);
  out[to + p.c4] = all.mean;
  out[to + 2u * p.c4] = all.m2;
}
