#!/bin/sh
# scripts/build.sh PRESET [TARGET...]  configures and builds; silent unless something goes wrong.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
mkdir -p "build/$preset"
log=build/$preset/build.log
# The cache is shared by checkouts of the same source, wherever they lie.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
{
  cmake --preset "$preset" -Wno-dev &&
    cmake --build --preset "$preset" ${1:+--target "$@"}
} >"$log" 2>&1 </dev/null || {
  # What failed, not what went well: ninja says FAILED and then all that the compiler said.
  sed -n '/FAILED\|Error\|error:/,$p' "$log" | grep . >&2 || cat "$log" >&2
  echo "build: preset $preset failed (whole log: $log)" >&2
  exit 1
}
