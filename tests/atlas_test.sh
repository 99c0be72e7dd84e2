#!/bin/sh
# Building an atlas: no work is lost, and the file is the same however often it was stopped.
. "$(dirname "$0")/harness.sh"

XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
tiny=$work/tiny
mirror=$work/mirror
python3 "$top/tests/tiny_model.py" "$tiny"
python3 "$top/tests/tiny_dictionary.py" "$mirror"
python3 -c 'import json, random
draw = random.Random(1)
for _ in range(4000):
    who, does = draw.choice("cat dog lion bird".split()), draw.choice("sat ran is".split())
    spans = [{"begin": 2, "end": 2 + len(who), "kind": "animal", "value": who}] if draw.random() < 0.5 else []
    print(json.dumps({"text": f"A {who} {does} there.", "spans": spans}))' >"$work/spans.jsonl"
python3 -c 'print("The cat sat on the mat, and it is there to this day. " * 4000)' >"$work/long.txt"

# atlas FILE ARGUMENTS...: of both texts
atlas() {
  file=$1
  shift
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/spans.jsonl" --corpus "$work/long.txt" -o "$file" "$@"
}

# whole: an atlas that was never stopped, once
whole() {
  [ -f "$work/whole.sqlite" ] && return
  atlas "$work/whole.sqlite" -q --json
  expect_status 0
  cp "$out" "$work/whole.json"
}

# kill_at SECONDS FILE SIGNAL: so long after there is a checkpoint
kill_at() {
  command="atlas, killed after $1 s"
  "$cajal" atlas -m "$tiny" -d "$mirror" --corpus "$work/spans.jsonl" --corpus "$work/long.txt" -o "$2" \
    --resume --checkpoint-every 0 >"$out" 2>"$err" &
  process=$!
  while kill -0 "$process" 2>/dev/null && [ ! -d "$2.checkpoint" ]; do
    sleep 0.01
  done
  sleep "$1"
  kill "-$3" "$process" 2>/dev/null
  status=0
  wait "$process" 2>/dev/null || status=$?
}

test_an_atlas_that_was_killed_again_and_again_is_the_same() {
  whole
  kills=0
  for seconds in 0.1 0.2 0.05 0.15 0.02 0.2 0.1 0.3; do
    [ -f "$work/killed.sqlite" ] && break
    kill_at "$seconds" "$work/killed.sqlite" KILL
    [ "$status" -eq 137 ] && kills=$((kills + 1))
  done
  [ "$kills" -gt 2 ] || complain "only $kills kills: the corpus is too short for this test"
  [ -f "$work/killed.sqlite" ] || atlas "$work/killed.sqlite" --resume -q
  cmp "$work/whole.sqlite" "$work/killed.sqlite" || complain "other bytes after $kills kills"
  [ ! -e "$work/killed.sqlite.checkpoint" ] || complain "the checkpoint stays"
}

test_one_that_was_interrupted_says_how_to_go_on() {
  whole
  kill_at 0.05 "$work/stopped.sqlite" TERM
  expect_status 130
  expect_err 'interrupted after [0-9]+ tokens; go on with --resume'
  atlas "$work/stopped.sqlite"
  expect_status 1
  expect_error 'stopped.sqlite.checkpoint: .*--resume, or begin again with --force'
  atlas "$work/stopped.sqlite" --resume --seed 9
  expect_status 1
  expect_error 'belongs to another recipe: seed is 9 now and was 0'
  atlas "$work/stopped.sqlite" --resume --json
  expect_status 0
  expect_json "$out" "doc['result']['tokens'] == json.load(open('$work/whole.json'))['result']['tokens']"
  cmp "$work/whole.sqlite" "$work/stopped.sqlite" || complain "other bytes"
}

test_force_begins_again() {
  whole
  kill_at 0.05 "$work/forced.sqlite" TERM
  atlas "$work/forced.sqlite" --force -q
  expect_status 0
  cmp "$work/whole.sqlite" "$work/forced.sqlite" || complain "other bytes"
}

test_a_damaged_checkpoint_is_an_error() {
  kill_at 0.05 "$work/damaged.sqlite" TERM
  python3 -c 'import glob, sys
path = glob.glob(sys.argv[1] + "/step-*.safetensors")[0]
data = bytearray(open(path, "rb").read())
data[-5] ^= 1
open(path, "wb").write(data)' "$work/damaged.sqlite.checkpoint"
  atlas "$work/damaged.sqlite" --resume
  expect_status 1
  expect_error 'no checkpoint there can be read; begin again with --force'
}

test_a_file_where_the_checkpoint_goes_is_an_error() {
  echo mine >"$work/taken.sqlite.checkpoint"
  atlas "$work/taken.sqlite" --resume
  expect_status 1
  expect_error 'taken.sqlite.checkpoint: cannot make this folder'
  [ -f "$work/taken.sqlite.checkpoint" ] || complain "it is gone"
}

test_a_long_text_costs_no_memory() {
  python3 -c 'import sys
line = "The cat sat on the mat, and it is there to this day.\n"
with open(sys.argv[1], "w") as file:
    for _ in range(1500):
        file.write(line * 2500)' "$work/huge.txt"
  command="atlas of a text of 200 MB"
  status=0
  # peak of anonymous memory: mapped pages of the text are given back, but may be counted before
  (ulimit -d 400000; exec "$cajal" atlas -m "$tiny" -d "$mirror" --corpus "$work/huge.txt" --tokens 2000 \
    -o "$work/huge.sqlite" -q) >"$out" 2>"$err" || status=$?
  expect_status 0
  rm -f "$work/huge.txt"
}

run_tests
