#!/bin/sh
# Measuring a dictionary, and looking into an atlas of it, as a user does.
. "$(dirname "$0")/harness.sh"

XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
tiny=$work/tiny
mirror=$work/mirror
loud=$work/loud
atlas=$work/atlas.sqlite
python3 "$top/tests/tiny_model.py" "$tiny"
python3 "$top/tests/tiny_dictionary.py" "$mirror"
python3 "$top/tests/tiny_dictionary.py" "$loud" '{"scale": 3.0}'
for _ in 1 2 3 4 5 6; do
  printf 'The cat sat on the mat.\nIt is there to this day.\n'
done >"$work/text.txt"
printf '%s\n' '{"text": "A lion.", "spans": [{"begin": 2, "end": 6, "kind": "animal", "value": "lion"}]}' >"$work/one"
for _ in $(seq 60); do cat "$work/one"; done >"$work/spans.jsonl"

test_a_dictionary_that_gives_all_back_costs_nothing() {
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --json
  expect_status 0
  expect_json "$out" "doc['result']['corpus']['total']['metrics']['fvu'] < 1e-9"
  expect_json "$out" "abs(doc['result']['corpus']['total']['splice']['all']['delta_ce_sae_keep_bos']) < 1e-4"
  expect_json "$out" "doc['result']['world'] is None and doc['provenance']['dictionary'].endswith('mirror')"
  expect_json "$out" "[b['name'] for b in doc['result']['corpus']['baselines']] == ['pca', 'neurons', 'random_decoder', 'random_model']"
  expect_json "$out" "'no' in doc['result']['corpus']['baselines'][2]['not_measured']"
}

test_one_that_is_three_times_too_loud_does() {
  run measure -m "$tiny" -d "$loud" --corpus "$work/text.txt" --trust --json
  expect_status 0
  expect_json "$out" "doc['result']['corpus']['total']['metrics']['fvu'] > 1"
  expect_json "$out" "abs(doc['result']['corpus']['total']['metrics']['l2_ratio_of_means'] - 3) < 1e-3"
  expect_json "$out" "doc['result']['corpus']['total']['splice']['all']['kl_sae_keep_bos'] > 0.001"
  expect_json "$out" "abs(doc['result']['corpus']['total']['splice']['all']['kl_error_added_back']) < 1e-6"
}

test_measure_prints_a_table_and_writes_a_picture() {
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --svg "$work/m.svg"
  expect_status 0
  expect_out 'explained_variance_legacy_one_batch'
  expect_out 'random_decoder +not measured|random_decoder.*not measured'
  grep -q '</svg>' "$work/m.svg" || complain "no picture"
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --svg "$work/m.svg"
  expect_status 1
  expect_error 'm.svg'
}

test_a_baseline_folder_is_measured_too() {
  mkdir -p "$work/base"
  cp -r "$loud" "$work/base/random-decoder"
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --baseline "$work/base" --json
  expect_status 0
  expect_json "$out" "doc['result']['corpus']['baselines'][2]['total']['metrics']['fvu'] > 1"
  expect_json "$out" "doc['result']['corpus']['baselines'][3]['not_measured']"
}

test_the_world_is_asked_with_layers_replaced() {
  run measure -m "$tiny" -d "$mirror" --world sums --documents 60 --questions 3 --json
  expect_status 0
  expect_json "$out" "all(t['score'] == t['replaced'] == t['with_errors'] for t in doc['result']['world']['tasks'])"
  expect_json "$out" "doc['result']['world']['truth']['documents'] == 60"
  run measure -m "$tiny" -d "$mirror" --world sums --documents 60 --questions 3 -v
  expect_status 0
  expect_out 'with errors'
}

test_measure_says_what_is_wrong() {
  run measure -m "$tiny" -d "$mirror"
  expect_status 2
  run measure -m "$tiny" -d "$mirror" --corpus "$work/nowhere"
  expect_status 1
  expect_error 'nowhere'
  : >"$work/empty.txt"
  run measure -m "$tiny" -d "$mirror" --corpus "$work/empty.txt"
  expect_status 1
  expect_error 'empty.txt|no token'
  run measure -m "$tiny" -d "$mirror" --world nothing
  expect_status 1
  expect_error 'nothing'
}

test_measure_says_so_before_it_measures() {
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --world nothing -v
  expect_status 1
  expect_error "no task 'nothing'"
  run measure -m "$tiny" -d "$mirror" --corpus "$work/text.txt" --baseline "$work/nowhere"
  expect_status 1
  expect_error 'nowhere: no such folder'
  run measure -m "$tiny" -d "$mirror" --world sums --svg "$work/world.svg"
  expect_status 2
  run measure -m "$tiny" -d nothing --corpus "$work/text.txt" --svg "$work/nowhere/m.svg"
  expect_status 1
  expect_error 'nowhere/m.svg: cannot create'
  run atlas -m "$tiny" -d nothing --corpus "$work/text.txt" -o "$work/nowhere/a.sqlite"
  expect_status 1
  expect_error 'nowhere/a.sqlite: cannot create'
}

test_one_token_has_no_variance_to_explain() {
  printf 'a' >"$work/a.txt"
  run measure -m "$tiny" -d "$loud" --corpus "$work/a.txt" --trust --json
  expect_status 0
  expect_json "$out" "doc['result']['corpus']['total']['metrics']['fvu'] is None"
  expect_json "$out" "doc['result']['corpus']['total']['metrics']['explained_variance'] is None"
}

test_truth_does_not_depend_on_what_is_read_first() {
  { cat "$work/text.txt" "$work/text.txt"; echo 'A lion. A lion.'; } >"$work/more.txt"
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/more.txt" --corpus "$work/spans.jsonl" \
    -o "$work/first.sqlite" --json
  expect_status 0
  cp "$out" "$work/first"
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/spans.jsonl" --corpus "$work/more.txt" \
    -o "$work/last.sqlite" --json
  expect_json "$work/first" "doc['result']['labels'] == json.loads(open('$out').read())['result']['labels']"
}

test_an_atlas_names_features_by_truth() {
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/spans.jsonl" -o "$atlas" --json
  expect_status 0
  expect_json "$out" "doc['result']['features'] == 64 and doc['result']['labels']['truth'] > 0"
  expect_json "$out" "doc['result']['bytes'] < 1024 * 64 * 2"
  run features --search lion --atlas "$atlas" --json
  expect_status 0
  expect_json "$out" "doc['result']['features'][0]['label'] == 'animal=lion'"
  feature=$(python3 -c "import json; print(json.load(open('$out'))['result']['features'][0]['feature'])")
  run features "$feature" --atlas "$atlas"
  expect_status 0
  expect_out 'animal=lion  \(by truth'
  expect_out '\[\['
  run features "$feature" --atlas "$atlas" --json
  expect_json "$out" "len(doc['result']['top'][0]['tokens']) == len(doc['result']['top'][0]['activations'])"
  expect_json "$out" "doc['result']['promoted'] and doc['result']['suppressed']"
  run features --like "$feature" --atlas "$atlas" --json
  expect_json "$out" "len(doc['result']['features']) > 2"
}

test_an_atlas_of_plain_text_names_features_by_tokens() {
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/text.txt" -o "$work/plain.sqlite" --json
  expect_status 0
  expect_json "$out" "doc['result']['labels']['truth'] == 0"
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/text.txt" -o "$work/plain.sqlite"
  expect_status 1
  expect_error 'plain.sqlite'
}

test_features_of_a_text() {
  run features --text "A lion" -m "$tiny" -d "$mirror" --atlas "$atlas" --json -n 3 --all
  expect_status 0
  expect_json "$out" "all(len(t['features']) <= 3 for t in doc['result']['tokens'])"
  expect_json "$out" "len(doc['result']['overall']) == 3"
  run features --text "A lion" -m "$tiny" -d "$loud" --atlas "$atlas" --trust
  expect_status 1
  expect_error 'another dictionary'
}

test_a_corpus_cannot_move_the_cursor() {
  printf 'The cat \033[2J sat\tdown.' >"$work/escape.txt"
  run atlas -m "$tiny" -d "$mirror" --corpus "$work/escape.txt" -o "$work/escape.sqlite" -q
  expect_status 0
  run features 0:0 --atlas "$work/escape.sqlite"
  ! LC_ALL=C grep -q "$(printf '\033')" "$out" || complain "an escape sequence is printed"
  run features 0:1 --atlas "$work/escape.sqlite"
  ! LC_ALL=C grep -q "$(printf '\033')" "$out" || complain "an escape sequence is printed"
}

test_front_end_files_are_written() {
  run features --front-end "$work/front" --atlas "$atlas" --json
  expect_status 0
  file=$(find "$work/front" -name '*.json' | sort | head -n 1)
  cp "$file" "$work/feature.json"
  expect_json "$work/feature.json" "doc['examples_quantiles'][0]['quantile_name'] == 'Top'"
  expect_json "$work/feature.json" "all(len(e['tokens']) == len(e['tokens_acts_list']) for q in doc['examples_quantiles'] for e in q['examples'])"
}

test_features_says_what_is_wrong() {
  run features 0:1 --atlas "$work/nowhere.sqlite"
  expect_status 1
  expect_error 'nowhere.sqlite'
  run features 9:1 --atlas "$atlas"
  expect_status 1
  expect_error 'no layer 9; it has 1'
  run features 1-2 --atlas "$atlas"
  expect_status 1
  expect_error 'no feature'
  run features --atlas "$atlas"
  expect_status 2
  run features 1:2 --atlas "$work/text.txt"
  expect_status 1
  expect_error 'atlas'
}

run_tests
