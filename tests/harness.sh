# Sourced by tests/*_test.sh, which test the program as a user meets it. A script gets the program's
# path as $1, defines functions named test_* (one behaviour each), and ends with run_tests. Nothing is
# skipped: a case that cannot run fails.
#
#   run ARGS...            runs the program; leaves $status, and its output in $out and $err
#   expect_status N        its exit code
#   expect_out PATTERN     an extended regular expression that some line of standard output matches
#   expect_err PATTERN     the same for standard error
#   expect_error PATTERN   exactly one line on standard error, "cajal: error: " and one sentence
#   expect_json FILE EXPR  a Python expression over `doc`, the JSON on the last line of FILE
set -u
cajal=${1:?usage: $0 PROGRAM}
top=$(cd "$(dirname "$0")/.." && pwd)
golden=$top/tests/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
err=$work/err
status=
failed_here=0

complain() {
  echo "  $1"
  echo "    command: cajal $command (exit $status)"
  sed 's/^/    out: /' "$out" | head -n 20
  sed 's/^/    err: /' "$err" | head -n 20
  failed_here=1
}

run() {
  command="$*"
  status=0
  timeout 120 "$cajal" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

expect_status() { [ "$status" -eq "$1" ] || complain "exit code $status, not $1"; }
expect_out() { grep -Eq -- "$1" "$out" || complain "nothing on standard output matches: $1"; }
expect_err() { grep -Eq -- "$1" "$err" || complain "nothing on standard error matches: $1"; }

expect_error() {
  [ "$(grep -c '^cajal: error: ' "$err")" -eq 1 ] || complain "not exactly one 'cajal: error: ' line"
  [ ! -s "$out" ] || complain "an error, and yet something on standard output"
  expect_err "^cajal: error: .*($1)"
}

expect_json() {
  tail -n 1 "$1" | python3 -c 'import json, sys
doc = json.load(sys.stdin)
sys.exit(not eval(sys.argv[1]))' "$2" 2>>"$work/python" || complain "JSON does not satisfy: $2"
}

run_tests() {
  passed=0
  failed=0
  for test_name in $(sed -n 's/^\(test_[a-z0-9_]*\)() *{.*/\1/p' "$0"); do
    failed_here=0
    "$test_name" >"$work/report"
    if [ "$failed_here" -eq 0 ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED $test_name"
      cat "$work/report"
    fi
  done
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
