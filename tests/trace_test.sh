#!/bin/sh
# A trace as a user meets it: what it prints, the files it writes, and what is refused.
. "$(dirname "$0")/harness.sh"

circuit=$golden/circuits/llama_plt_topk
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# trace ARGUMENTS...: of the golden circuit
trace() {
  run trace -m "$circuit/model" -d "$circuit/transcoders" "$@"
}

test_a_trace_prints_scores_and_top_nodes() {
  trace "w007 w044 w073" -n 3
  expect_status 0
  expect_out '^replacement  0\.[0-9]+ '
  expect_out '^rows add up  to [0-9.]+e-0[5-9] '
  expect_out '^influence  *node  *at  *token'
}

test_scores_are_the_golden_ones() {
  ids=$(python3 -c "import json; print(*json.load(open('$circuit/expected.json'))['tokens'], sep=',')")
  trace --ids "$ids" --rows all --json
  expect_json "$out" "all(abs(doc['result']['scores'][name] - json.load(open('$circuit/expected.json'))['full/scores'][name]) < 1e-5 for name in ('replacement', 'completeness'))"
}

test_a_graph_file_has_what_its_readers_require() {
  trace "w007 w044 w073" -o "$work/my graph.json"
  expect_status 0
  expect_json "$work/my graph.json" "doc['metadata']['slug'] == 'my-graph' and doc['metadata']['schema_version'] == 1 and {'nodes', 'links', 'qParams'} < set(doc) and {l['source'] for l in doc['links']} <= {n['node_id'] for n in doc['nodes']}"
  trace "w007 w044 w073" -o "$work/my graph.json"
  expect_status 1
}

test_a_raw_graph_is_safetensors() {
  trace "w007 w044 w073" --raw "$work/raw.safetensors"
  expect_status 0
  run inspect "$work/raw.safetensors"
  expect_out adjacency
}

test_a_difference_is_one_target() {
  trace "w007 w044" --target w025 --why-not w034 --json
  expect_json "$out" "doc['result']['targets'][0]['label'] == 'w025 - w034' and doc['result']['targets'][0]['id'] is None"
}

test_an_unknown_target_names_the_nearest_token() {
  trace "w007 w044" --target w0255
  expect_status 1
  expect_err "the nearest is 'w025'"
}

test_what_makes_no_sense_is_refused() {
  trace ""
  expect_status 2
  trace "w007" --rows few
  expect_status 2
  expect_err 'give a number, all, or auto'
  run trace -m "$circuit/model" "w007"  # the specimen's dictionary is for the specimen
  expect_status 1
  trace "w007" -o "$work/same" --raw "$work/same"
  expect_status 2
  expect_err 'name the same file'
  trace "w007" --why-not w025 --target w025
  expect_status 1
}

run_tests
