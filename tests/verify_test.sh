#!/bin/sh
# Trying what a graph claims, as a user meets it: what it prints, and what is refused.
. "$(dirname "$0")/harness.sh"

circuit=$golden/circuits/llama_plt_topk
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# verify ARGUMENTS...: with the golden circuit
verify() {
  run verify -m "$circuit/model" -d "$circuit/transcoders" "$@"
}

# A graph of the circuit.
graph=$work/graph.json
"$cajal" trace -m "$circuit/model" -d "$circuit/transcoders" "w007 w044 w073 w020" --target w025 \
  --node-threshold 1 --edge-threshold 1 -o "$graph" -q > "$work/trace.txt"

# with_graph CODE: changes `doc`, the graph, and writes it to $work/other.json.
with_graph() {
  python3 -c "
import json
doc = json.load(open('$graph'))
features = [n for n in doc['nodes'] if n['feature_type'] == 'cross layer transcoder']
$1
json.dump(doc, open('$work/other.json', 'w'))"
}

test_the_strongest_features_are_tried() {
  verify "$graph" -n 3
  expect_status 0
  expect_out '^switched off  *where  *predicted  *measured  *random  *claim'
  expect_out '[0-9]+ of [0-9]+ claims held when tried'
}

test_the_same_seed_gives_the_same_numbers() {
  verify "$graph" -n 2 --seed 7 --json
  cp "$out" "$work/first.json"
  verify "$graph" -n 2 --seed 7 --json -t 1
  expect_json "$out" "doc['result'] == json.load(open('$work/first.json'))['result'] and doc['provenance']['seed'] == 7"
}

test_numbers_fit_each_other() {
  verify "$graph" -n 4 --controls 5 --json
  expect_json "$out" "len(doc['result']['groups']) == 4 and all(len(g['claim']['controls']) == 5 and g['claim']['held'] == (g['claim']['sign'] and g['claim']['size'] and g['claim']['beyond']) for g in doc['result']['groups'])"
}

test_an_edit_gives_what_is_measured() {
  verify "$graph" -n 1 --json
  cp "$out" "$work/verified.json"
  member=$(python3 -c "import json; m=json.load(open('$work/verified.json'))['result']['groups'][0]['members'][0]; print(f\"{m['layer']}:{m['position']}:{m['feature']}=off\")")
  "$cajal" edit -m "$circuit/model" -d "$circuit/transcoders" "w007 w044 w073 w020" \
    --set "$member" --raw "$work/edit.safetensors" -q > "$work/edit.txt"
  python3 - "$work" <<'PY' || complain "what verify measured is not what edit does"
import json, struct, sys
work = sys.argv[1]
data = open(work + '/edit.safetensors', 'rb').read()
size, = struct.unpack('<Q', data[:8])
head = json.loads(data[8:8 + size])
def last(name):
    rows, cols = head[name]['shape']
    begin, end = head[name]['data_offsets']
    all = struct.unpack(f'<{rows * cols}f', data[8 + size + begin:8 + size + end])
    return all[-cols:]
result = json.load(open(work + '/verified.json'))['result']
token = result['target']['id']
value = lambda logits: logits[token] - sum(logits) / len(logits)
want = value(last('changed')) - value(last('unchanged'))
got = result['groups'][0]['claim']['measured']
assert abs(got - want) < 1e-4, (got, want)
PY
}

test_groups_of_the_file_and_of_the_command_line() {
  with_graph "doc['qParams']['supernodes'] = [['both', features[0]['node_id'], features[1]['node_id']], ['one', features[2]['node_id']]]"
  verify "$work/other.json" --json
  expect_json "$out" "[g['label'] for g in doc['result']['groups']] == ['both', 'one'] and len(doc['result']['groups'][0]['members']) == 2"
  id=$(python3 -c "import json; print(next(n['node_id'] for n in json.load(open('$graph'))['nodes'] if n['feature_type'] == 'cross layer transcoder'))")
  word=$(python3 -c "import json; print(next(n['node_id'] for n in json.load(open('$graph'))['nodes'] if n['feature_type'] == 'embedding' and n['ctx_idx'] == 2))")
  verify "$work/other.json" --group "mine=$id" --group "word=$word" --json
  expect_json "$out" "[g['label'] for g in doc['result']['groups']] == ['mine', 'word'] and doc['result']['groups'][1]['words'] == [2]"
}

test_another_model_or_dictionary_is_an_error() {
  with_graph "doc['metadata']['cajal']['model_hash'] = '0' * 32"
  verify "$work/other.json"
  expect_status 1
  expect_err 'made with another model'
  with_graph "doc['metadata']['cajal']['dictionary_hash'] = '0' * 32"
  verify "$work/other.json"
  expect_status 1
  expect_err 'made with another dictionary'
}

test_a_foreign_graph_of_another_model_is_noticed_by_its_features() {
  with_graph "del doc['metadata']['cajal']; features[0]['activation'] *= 3"
  verify "$work/other.json"
  expect_status 1
  expect_err 'of another model, dictionary or prompt'
}

test_a_foreign_graph_of_this_model_is_tried() {
  with_graph "del doc['metadata']['cajal']"
  verify "$work/other.json" -n 2
  expect_status 0
}

test_a_number_that_no_group_heeds_is_refused() {
  with_graph "doc['qParams']['supernodes'] = [['both', features[0]['node_id'], features[1]['node_id']]]"
  verify "$work/other.json" -n 3
  expect_status 1
  expect_error 'this one has 1, which are tried: leave -n away'
  verify "$graph" -n 3 --group "x=9_9_9"
  expect_status 2
}

test_a_pruned_graph_says_what_cannot_be_verified() {
  verify "$graph" -n 1
  ! grep -q 'was pruned' "$err" || complain "nothing was pruned"
  "$cajal" trace -m "$circuit/model" -d "$circuit/transcoders" "w007 w044 w073 w020" --target w025 \
    --node-threshold 0.95 --edge-threshold 1 -o "$work/pruned.json" -q > "$work/trace.txt"
  verify "$work/pruned.json" -n 1
  expect_status 0
  expect_err 'was pruned \(node_threshold 0.95\): what was cut away cannot be verified'
}

test_a_calibration_without_a_prompt_that_fits_is_an_error() {
  cp -r "$circuit/model" "$work/short" && chmod -R u+w "$work/short"
  sed -i 's/"max_position_embeddings": [0-9]*/"max_position_embeddings": 2/' "$work/short/config.json"
  run verify -m "$work/short" -d "$circuit/transcoders" --trust --calibrate -n 2
  expect_status 1
  expect_error 'none of the 2 prompts fits into the [0-9]+ tokens'
}

test_damaged_graphs_are_refused() {
  printf '{"metadata": {' > "$work/broken.json"
  verify "$work/broken.json"
  expect_status 1
  expect_err 'broken.json'
  with_graph "[n for n in doc['nodes'] if n['feature_type'] == 'logit'][0]['feature'] = 5000"
  verify "$work/other.json"
  expect_status 1
  expect_err 'no token but a direction'
  with_graph "doc['links'] = []"
  verify "$work/other.json"
  expect_status 1
  expect_err 'other.json: nothing that the targets depend on'
  with_graph "doc['links'][0]['weight'] = 1e300"
  verify "$work/other.json"
  expect_status 1
  expect_err 'other.json: .* is not finite'
  verify "$work/nowhere.json"
  expect_status 1
}

test_what_makes_no_sense_is_refused() {
  verify
  expect_status 2
  verify "$graph" --calibrate
  expect_status 2
  verify "$graph" --group "nothing"
  expect_status 2
  expect_err 'LABEL=ID,ID'
  verify "$graph" --group "x=9_9_9"
  expect_status 1
  expect_err "no feature and no word '9_9_9'"
  verify "$graph" --world sums
  expect_status 2
}

test_calibration_sums_up_prompts_of_the_world() {
  run verify --calibrate -n 3 --controls 4 --json -o "$work/calibration.json"
  expect_status 0
  expect_json "$work/calibration.json" "doc['result']['prompts'] == 3 and doc['result']['ideas']['all']['claims'] == sum(b['claims'] for b in doc['result']['ideas']['deciles']) > 10"
}

test_an_interrupted_calibration_leaves_no_file() {
  command="verify --calibrate -n 400"
  status=0
  timeout --preserve-status -s INT 3 "$cajal" verify --calibrate -n 400 --json -o "$work/half.json" \
    >"$out" 2>"$err" || status=$?
  expect_status 130
  [ ! -e "$work/half.json" ] || complain "a file was left"
}

test_nothing_is_written_over() {
  printf 'mine' > "$work/there.json"
  verify "$graph" -n 1 --json -o "$work/there.json"
  expect_status 1
}

run_tests
