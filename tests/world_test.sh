#!/bin/sh
# The world's documents as files and on the screen.
. "$(dirname "$0")/harness.sh"

test_a_sample_shows_texts_and_what_is_true_of_them() {
  run world --sample sums -n 2
  expect_status 0
  expect_out 'sum.ones=[0-9]'
  run world --sample geography -n 3 --json
  expect_status 0
  expect_json "$out" "len(doc['result']['documents']) == 3 and doc['provenance']['seed'] == 0"
  expect_json "$out" "all(d['spans'] for d in doc['result']['documents'])"
}

test_spans_count_bytes_of_the_text() {
  run world --sample geography -n 50 --json
  expect_json "$out" "all(d['text'].encode()[s['begin']:s['end']].decode() == s['value'] \
    for d in doc['result']['documents'] for s in d['spans'] if s['kind'] == 'city')"
}

test_the_same_seed_gives_the_same_documents_and_another_gives_others() {
  run world --sample people -n 20 --seed 3
  cp "$out" "$work/first"
  run world --sample people -n 20 --seed 3
  cmp -s "$out" "$work/first" || complain "other documents with the same seed"
  run world --sample people -n 20 --seed 4
  cmp -s "$out" "$work/first" && complain "the same documents with another seed"
  return 0
}

test_stats_name_every_task() {
  run world --stats --json
  expect_status 0
  expect_json "$out" "{'geography', 'sums', 'people', 'plain'} <= {t['task'] for t in doc['result']['tasks']}"
  expect_json "$out" "abs(sum(t['share'] for t in doc['result']['tasks']) - 1) < 1e-9"
}

test_write_makes_a_folder_of_lines() {
  run world --write "$work/corpus" -n 7 --json
  expect_status 0
  expect_json "$out" "{'sums.train.jsonl', 'sums.heldout.jsonl', 'sums.questions.jsonl'} <= {f['name'] for f in doc['result']['files']}"
  [ "$(wc -l <"$work/corpus/sums.train.jsonl")" -eq 7 ] || complain "not seven lines"
  expect_json "$work/corpus/sums.train.jsonl" "doc['text'] and doc['spans']"
  expect_json "$work/corpus/sums.questions.jsonl" "doc['split'] == 'heldout' and doc['prompt'] and doc['answer']"
}

test_write_replaces_nothing_unless_forced() {
  mkdir -p "$work/there"
  echo mine >"$work/there/sums.heldout.jsonl"
  run world --write "$work/there" -n 1
  expect_status 1
  expect_error 'sums.heldout.jsonl.*--force'
  [ "$(cat "$work/there/sums.heldout.jsonl")" = mine ] || complain "the file was replaced"
  [ "$(find "$work/there" -type f | wc -l)" -eq 1 ] || complain "other files were written"
  run world --write "$work/there" -n 1 --force
  expect_status 0
  expect_json "$work/there/sums.heldout.jsonl" "doc['text']"
}

test_write_to_what_is_no_folder_is_an_error() {
  echo mine >"$work/file"
  run world --write "$work/file"
  expect_status 1
  expect_error "$work/file"
}

test_an_unknown_task_is_an_error_that_names_the_known_ones() {
  run world --sample sum
  expect_status 1
  expect_error "'sum'.*geography.*sums"
}

test_one_thing_must_be_asked_for() {
  for flags in "" "--stats --sample sums" "--stats -n 3" "--stats --split heldout" "--sample sums --split none" "--sample sums -n 200000"; do
    # shellcheck disable=SC2086
    run world $flags
    expect_status 2
    expect_error .
  done
}

run_tests
