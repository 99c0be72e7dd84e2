#!/bin/sh
# Changing something inside a model, as a user meets it: what is printed, written and refused.
. "$(dirname "$0")/harness.sh"

circuit=$golden/circuits/llama_plt_topk
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# edit ARGUMENTS...: of the golden circuit, with its dictionary
edit() {
  run edit -m "$circuit/model" -d "$circuit/transcoders" "$@"
}

# golden NAME: the prompt and the edits of a golden intervention, as $ids and $work/edits.json
golden_case() {
  python3 - "$circuit/expected.json" "$1" "$work/edits.json" <<'PYTHON' > "$work/ids"
import json, sys
doc = json.load(open(sys.argv[1]))
case = next((i for i in doc["interventions"] if i["name"] == sys.argv[2]), doc.get(sys.argv[2]))
json.dump({"features": case["interventions"], "frozen": {"attention": case["freeze_attention"], "layers": case.get("constrained_layers")}}, open(sys.argv[3], "w"))
print(*doc["tokens"], sep=",")
PYTHON
  ids=$(cat "$work/ids")
}

test_unchanged_and_changed_stand_side_by_side() {
  edit "w007 w044 w073" --set 1:last:17=*2 --set 1:2:40=4 -n 5
  expect_status 0
  expect_out '^next +unchanged +changed$'
  expect_out '^>  w[0-9]+ +[0-9.]+ %  w[0-9]+ +[0-9.]+ %$'
  expect_out '^changed    w'
}

test_logits_are_the_golden_ones() {
  golden_case two_layers_all_layers_post
  edit --ids "$ids" --edits "$work/edits.json" --raw "$work/raw.safetensors" -n 1
  expect_status 0
  python3 - "$work/raw.safetensors" "$circuit/expected.safetensors" > "$work/difference" <<'PYTHON'
import json, struct, sys
def read(path, name):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8:8 + size])[name]["data_offsets"]
    return struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
a, b = read(sys.argv[1], "changed"), read(sys.argv[2], "intervention/7/logits")
print("equal" if len(a) == len(b) and max(abs(x - y) for x, y in zip(a, b)) < 1.5e-4 else "different")
PYTHON
  grep -q equal "$work/difference" || complain "the changed logits are not the golden ones"
}

test_a_generation_is_the_golden_one() {
  golden_case generate
  edit --ids "$ids" --edits "$work/edits.json" -n 8 --json
  expect_status 0
  expect_json "$out" "len(doc['result']['changed']['ids']) == 8 and doc['result']['interventions']['frozen']['attention'] is True"
}

test_a_point_is_patched_from_another_prompt_without_a_dictionary() {
  run edit -m "$circuit/model" "w007 w044 w073" --set 'resid_post.2:*=from' --from "w009 w031 w060" -n 1 --json
  expect_status 0
  run generate -m "$circuit/model" "w009 w031 w060" -n 1 --json
  cp "$out" "$work/donor.json"
  run edit -m "$circuit/model" "w007 w044 w073" --set 'resid_post.2:*=from' --from "w009 w031 w060" -n 1 --json
  expect_json "$out" "doc['result']['changed']['ids'] == json.load(open('$work/donor.json'))['result']['ids']"
}

test_steering_takes_a_feature_or_a_file() {
  edit "w007 w044" --steer 'resid_post.1:*=4*2:40' --json
  expect_status 0
  expect_json "$out" "len(doc['result']['interventions']['points'][0]['direction']) == 32"
  echo '[1, 2, 3]' > "$work/direction.json"
  edit "w007 w044" --steer "resid_post.1:*=4*$work/direction.json"
  expect_status 1
  expect_err 'has 3 values, the point has 32 columns'
}

test_what_is_not_there_is_refused_with_the_range() {
  edit "w007 w044 w073" --set 7:last:17=off
  expect_status 1
  expect_err 'the dictionary has 0 to 2'
  edit "w007 w044 w073" --set 1:12:17=off
  expect_status 1
  expect_err 'the prompt has 0 to 3'
  edit "w007 w044 w073" --set 1:last:96=off
  expect_status 1
  expect_err 'layer 1 has 0 to 95'
  edit "w007 w044 w073" --set resid_pots.1:last=off
  expect_status 1
  expect_err "did you mean 'resid_post.1'"
  edit "w007 w044 w073" --set 1:last:17=off --freeze 2-3
  expect_status 1
  expect_err 'the model has 0 to 2'
}

test_what_makes_no_sense_is_wrong_usage() {
  edit "w007"
  expect_status 2
  expect_err 'say what to change'
  edit "" --set 1:last:17=off
  expect_status 2
  edit "w007" --set 1:last=
  expect_status 2
  edit "w007" --set 1:last:17=off --from "w009"
  expect_status 2
  expect_err 'nothing is taken from the other prompt'
  edit "w007" --set 1:last:17=off --freeze some
  expect_status 2
  edit "w007" --steer resid_post.1:last=4
  expect_status 2
}

test_prompts_of_unequal_length_are_refused() {
  edit "w007 w044" --set 1:last:17=from --from "w009"
  expect_status 1
  expect_err 'has 2 tokens and this one 3'
}

test_damaged_edits_are_refused_by_their_place() {
  echo '{"features": [{"layer": 1, "position": "last", "feature": 17}]}' > "$work/edits.json"
  edit "w007" --edits "$work/edits.json"
  expect_status 1
  expect_err 'features\[0\]: has none of value'
  echo '{"features": [{"layer": 1' > "$work/edits.json"
  edit "w007" --edits "$work/edits.json"
  expect_status 1
  expect_err 'edits.json'
}

run_tests
