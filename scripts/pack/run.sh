#!/bin/sh
# Runs the tests and the benchmark of this bundle on the GPU of this machine. Nothing is installed and
# no network is used.
#
#   ./run.sh [PART ...]     parts: adapter tests bench toggles tune profile again cold torch peers report;
#                           all by default. `first` is the first ten minutes on a GPU that is new:
#                           what decides all else comes first, and a part is cut off after LIMIT (120).
#                           `rehearsal` is the same with a tiny network and few shapes, for whether all
#                           of it runs: minutes on two cores without a GPU.
#
# Results are written into $OUT, or ./out: report.md has them beside what was predicted of a GPU. The
# forms that `tune` finds best are kept there too (tuned.json), and parts after it use them.
#   TESTS   words that a test file's path must contain one of (default: kernels graph gpu model)
#   QUICK   not empty: short samples, no long case
#   ONLY    rows of the benchmark, and shapes of `tune`, whose name matches this regular expression
#   CONFIG  the network of `tune` and `profile`, a preset or a file (default: paper)
#   BATCH   its images in a step (default: the config's; 2 on a software driver)
#   LIMIT   seconds that a part may take (default: as long as it takes)
#   LLSM_DAWN  flags for Dawn, such as 'backend=vulkan adapter=NVIDIA'
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD/out}
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
cd "$here" || exit 1
export LLSM_SETUP=never
node=$here/node/node
quick=${QUICK:+--quick}
hurried=$quick
few=''
network=paper
config=${CONFIG:-paper}
batch=${BATCH:+--batch $BATCH}
export LLSM_CACHE="${LLSM_CACHE:-$out}"

# A loader of the machine's own goes with its driver; the one carried along is for where there is none.
if [ -n "$(ls -A loader)" ] && ! (ldconfig -p 2>/dev/null || /sbin/ldconfig -p) | grep -q 'libvulkan\.so\.1'; then
  export LD_LIBRARY_PATH="$here/loader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  echo "Vulkan loader: the bundle's"
fi
# Drivers in containers may lie where no loader looks.
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] &&
  ! ls /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json >/dev/null 2>&1; then
  for file in /usr/local/nvidia/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json; do
    if [ -e "$file" ]; then
      export VK_DRIVER_FILES="$file"
      echo "Vulkan driver: $file"
      break
    fi
  done
fi

failed=''
# Runs a part, with its output into a file. A part that fails does not keep the next ones from running.
part() {
  name=$1
  file=$2
  shift 2
  echo "== $name"
  if [ -n "${LIMIT:-}" ] && command -v timeout >/dev/null; then set -- timeout "$LIMIT" "$@"; fi
  if "$@" >"$out/$file" 2>"$out/$name.err"; then
    echo "   done: $out/$file"
  else
    echo "   FAILED ($?): the end of $out/$file and of what it said:"
    tail -n 15 "$out/$file" "$out/$name.err"
    failed="$failed $name"
  fi
  [ -s "$out/$name.err" ] || rm -f "$out/$name.err"
}

# Toggles of Dawn that are no default: what they bring is a measurement of its own.
toggles=skip_validation,disable_robustness,disable_workgroup_init,-lazy_clear_resource_on_first_use

case "${*:-}" in
  '') parts='adapter tests bench toggles tune profile again cold torch peers report' ;;
  first)
    LIMIT=${LIMIT:-120}
    hurried=--quick
    parts='adapter profile tune again torch peers tests report'
    ;;
  rehearsal)
    quick=--quick
    hurried=--quick
    parts='adapter profile tune again torch peers tests report'
    config=$out/rehearsal.json
    printf '{"width": 0.05, "size": 64}\n' >"$config"
    batch="--batch ${BATCH:-2}"
    ONLY=${ONLY:-^product 32x}
    TESTS=${TESTS:-kernels/column_sums gpu/dispatch}
    few='--only depthwise'
    network=small
    ;;
  *) parts=$* ;;
esac
# Rows of another kind than the profile's: each a file, so that one that fails does not cost the others.
profile() {
  file=$1
  shift
  # shellcheck disable=SC2086
  part "$file" "$file.json" "$node" bench/llsm.js --json --profile "$@" $quick
}

# Words are to be split.
# shellcheck disable=SC2086
for name in $parts; do
  case $name in
    adapter)
      part adapter adapter.json "$node" scripts/probe.js
      [ -s "$out/adapter.json" ] && cat "$out/adapter.json"
      ;;
    tests) part tests tests.txt "$node" scripts/test.js ${TESTS:-kernels graph gpu model} ;;
    bench) part bench bench.json "$node" bench/llsm.js --json --plain ${ONLY:+--only "$ONLY"} $quick ;;
    toggles)
      part toggles bench-toggles.json "$node" bench/llsm.js --json --toggles $toggles ${ONLY:+--only "$ONLY"} $quick
      ;;
    tune)
      part tune tune.json "$node" bench/llsm.js --json --tune --config "$config" $batch ${ONLY:+--only "$ONLY"} $hurried
      ;;
    profile)
      # Does anything work at all?
      profile profile-small step --config small --batch 8
      profile profile step --config "$config" $batch
      if [ -z "$quick" ]; then
        profile profile-toggles step --config "$config" $batch --toggles $toggles
        profile profile-f16 step --config "$config" $batch --precision f16
        profile profile-inference inference --config "$config" --batch 1
      fi
      ;;
    # With the forms that `tune` chose.
    again) profile profile-again step --config "$config" $batch ;;
    cold) part cold cold.txt "$node" bench/llsm.js --cold $quick ;;
    torch)
      if device=$(python3 -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")' 2>/dev/null); then
        batches='1 8 32'
        [ -n "$quick" ] && batches=1
        part torch torch.txt python3 test/torch/bench.py --config "$network" --device "$device" --batch $batches
      else
        echo '== torch: python3 has no torch here'
      fi
      ;;
    # Each kernel and network beside those of the libraries that are there, in alternation.
    peers) part peers peers.json "$node" bench/peers/dist/main.js --json $few $hurried ;;
    report) part report report.txt "$node" scripts/pack/report.js "$out" ;;
    *)
      echo "no part is called $name" >&2
      exit 2
      ;;
  esac
done
if [ -n "$failed" ]; then
  echo "Failed:$failed"
  exit 1
fi
echo "All done: $out"
