#!/bin/sh
# scripts/setup.sh GROUP...  installs the Debian 12 packages of the groups build, check and bench.
# When all are there it is silent and needs neither apt nor root.
set -eu

build="g++ cmake ninja-build pkg-config ccache git ca-certificates
  libdnnl-dev ocl-icd-opencl-dev opencl-headers libhwy-dev libfmt-dev nlohmann-json3-dev libcli11-dev
  libpcre2-dev libutf8proc-dev libzip-dev libyaml-cpp-dev libxxhash-dev libsqlite3-dev zlib1g-dev
  libgraphviz-dev librsvg2-dev fonts-dejavu-core"
check="clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19 libgtest-dev libgmock-dev
  libsentencepiece-dev python3 chromium"
bench="python3 python3-venv python3-dev"

wanted=""
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    check) wanted="$wanted $check" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "usage: scripts/setup.sh [build] [check] [bench]" >&2; exit 2 ;;
  esac
done

missing=""
for package in $wanted; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: as root, run: apt-get install$missing" >&2; exit 1; }
  root="sudo"
fi
echo "setup: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # words of a list
{ $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
  { cat "$log" >&2; echo "setup: apt-get could not install them" >&2; exit 1; }
