#!/bin/sh
# scripts/fuzz.sh [SECONDS] [TARGET...]  runs fuzz targets (default: all, 60 seconds each) from their
# committed corpora. What they find stays in build/fuzz: new inputs in corpus/, crashes in findings/.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -ne 0 ] || set -- $(find src -name '*_fuzz.cc' -exec basename {} .cc \; | sort)
[ $# -ne 0 ] || { echo "fuzz: there are no targets" >&2; exit 1; }
scripts/build.sh fuzz "$@"

failed=0
mkdir -p build/fuzz/findings
for target in "$@"; do
  source=$(find src -name "$target.cc")
  new=build/fuzz/corpus/$target
  log=build/fuzz/$target.log
  mkdir -p "$new"
  dictionary=${source%.cc}.dict
  if "build/fuzz/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="build/fuzz/findings/$target-" -print_final_stats=1 \
    $([ ! -f "$dictionary" ] || echo "-dict=$dictionary") "$new" "${source%.cc}" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "fuzz: $target: $runs inputs in $seconds s, nothing found"
  else
    tail -n 60 "$log"
    echo "fuzz: $target: FOUND something; the input is in build/fuzz/findings (whole log: $log)"
    failed=1
  fi
done
exit $failed
