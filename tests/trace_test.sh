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

test_a_feature_names_its_own_position() {
  trace "w007 w044 w073" --at 1 --target 0:1:3
  expect_status 2
  expect_err 'leave it out'
}

test_targets_stand_after_any_position() {
  trace "w007 w044 w073" --at 1 --at last --target w025 --json
  expect_json "$out" "[(t['label'], t['position']) for t in doc['result']['targets']] == [('w025', 1), ('w025', 3)] and doc['result']['largest_row_residual'] < 1e-5"
  trace "w007 w044 w073" --at 1 --target w025
  expect_out '^targets  *w025 [0-9.]* % after 1'
  trace "w007 w044" --at 1 --json
  expect_json "$out" "len(doc['result']['targets']) > 1 and {t['position'] for t in doc['result']['targets']} == {1}"
  trace "w007 w044 w073" --at 4
  expect_status 1
  expect_err 'there is no position 4: the prompt has 4 tokens, 0 to 3'
  trace "w007 w044 w073" --at end
  expect_status 2
}

test_a_feature_is_a_target() {
  trace "w007 w044 w073" --rows all -n 40 --json
  top=$(python3 -c "
import json, sys
node = next(n for n in json.load(open(sys.argv[1]))['result']['top'] if n['kind'] == 'feature' and n['layer'] == 1)
print(node['layer'], node['position'], node['feature'], sep=':')" "$out")
  trace "w007 w044 w073" --target "$top" --json
  expect_json "$out" "[(t['label'], t['id'], t['weight']) for t in doc['result']['targets']] == [('$top', None, 1.0)] and all(n['layer'] in (None, 0) for n in doc['result']['top'])"
  trace "w007 w044 w073" --target "$top" --target w025 -o "$work/feature.json"
  expect_json "$work/feature.json" "len([n for n in doc['nodes'] if n['feature_type'] == 'logit']) == 2"
  trace "w007 w044 w073" --target 0:0:5
  expect_status 1
  expect_err 'feature 5 of layer 0 does not fire at position 0; none of that layer does'
  trace "w007 w044 w073" --target 9:1:5
  expect_status 1
  expect_err 'layers are 0 to 2, positions 0 to 3'
  trace "w007" --target "$top" --why-not w025
  expect_status 2
}

test_features_may_begin_at_the_first_position() {
  trace "w007 w044 w073" --json
  fewer=$(python3 -c "import json, sys; print(json.load(open(sys.argv[1]))['result']['active_features'])" "$out")
  trace "w007 w044 w073" --first-position 0 --json
  expect_json "$out" "doc['result']['active_features'] == $fewer + 12 and doc['result']['largest_row_residual'] < 1e-5"
  trace "w007" --first-position 9
  expect_status 1
  expect_err 'features cannot begin at position 9'
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
