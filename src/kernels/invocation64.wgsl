// The entry point of a shader that gives each invocation a number of its own: run(number). Grids above
// 65,535 workgroups are folded into z.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  run(id.x + id.z * groups.x * 64u);
}
