#!/bin/sh
# Dictionaries as a user meets them: inspect, encode, convert, and what is refused.
. "$(dirname "$0")/harness.sh"

formats=$golden/dictionaries/formats
sae=$formats/sl_jumprelu_bdec
clt=$formats/ct_clt_jumprelu
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
tiny=$work/tiny
mirror=$work/mirror
deaf=$work/deaf
python3 "$top/tests/tiny_model.py" "$tiny"
python3 "$top/tests/tiny_dictionary.py" "$mirror"
python3 "$top/tests/tiny_dictionary.py" "$deaf" '{"scale": 0.001}'

# compare FILE FOLDER: features and reconstruction of a file are the golden ones
compare() {
  python3 - "$1" "$2/expected.safetensors" <<'EOF' || complain "other numbers than in $2"
import json, struct, sys
def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
            out[name] = (entry["shape"], values)
    return out
got, want = read(sys.argv[1]), read(sys.argv[2])
for mine, theirs in (("features", "feature_acts"), ("reconstruction", "recon")):
    assert got[mine][0] == want[theirs][0], (mine, got[mine][0], want[theirs][0])
    for a, b in zip(got[mine][1], want[theirs][1]):
        assert abs(a - b) <= 1e-5 * max(1.0, abs(b)), (mine, a, b)
        assert mine != "features" or (a != 0) == (b != 0), (a, b)
EOF
}

test_inspect_says_what_a_dictionary_is() {
  run inspect "$clt" --json
  expect_status 0
  expect_json "$out" "doc['result']['kind'] == 'dictionary' and doc['result']['dictionary'] == 'clt'"
  expect_json "$out" "doc['result']['format'] == 'circuit-tracer' and len(doc['result']['layers']) == 3"
  expect_json "$out" "len(doc['provenance']['dictionary_hash']) == 32"
  run inspect "$sae" --check
  expect_status 0
  expect_out 'jumprelu'
}

test_encode_gives_the_golden_features() {
  for name in sl_jumprelu_bdec ct_plt_relu_skip ct_clt_jumprelu sl_topk_rescale sl_standard_bf16; do
    run encode -d "$formats/$name" --in "$formats/$name/expected.safetensors" --tensor x -o "$work/$name" --json
    expect_status 0
    compare "$work/$name" "$formats/$name"
    l0=$(python3 -c "import json; print(json.load(open('$formats/$name/case.json'))['l0_mean'])")
    expect_json "$out" "abs(doc['result']['l0'] - $l0) < 1e-9"
  done
}

test_encode_measures_against_a_target() {
  file=$formats/ct_plt_relu_skip
  run encode -d "$file" --in "$file/expected.safetensors" --tensor x --target y --json
  fvu=$(python3 -c "import json; print(json.load(open('$file/case.json'))['fvu'])")
  expect_json "$out" "abs(doc['result']['fvu'] - $fvu) < 1e-5"
  run encode -d "$file" --in "$file/expected.safetensors" --tensor x --json
  expect_json "$out" "doc['result']['fvu'] is None"
}

test_encode_reads_a_model_at_the_dictionarys_points() {
  run encode -m "$tiny" -d "$mirror" "Hello" --json
  expect_status 0
  expect_json "$out" "doc['result']['layers'][0]['layer'] == 1 and doc['result']['tokens'] >= 2"
  expect_json "$out" "doc['result']['fvu'] < 1e-6 and doc['result']['l0'] == 32"
  expect_json "$out" "doc['provenance']['dictionary'] == '$mirror'"
}

test_a_dictionary_that_explains_nothing_is_a_warning() {
  run encode -m "$tiny" -d "$deaf" "Hello" --json
  expect_status 0
  expect_err 'variance unexplained'
  find "$work/cache/cajal/fits" -name '*.json' | grep -q . || complain "what was measured was not kept"
  run encode -m "$tiny" -d "$deaf" "Hello" --json
  expect_err 'variance unexplained'
  run encode -m "$tiny" -d "$deaf" "Hello" --json --trust
  [ ! -s "$err" ] || complain "--trust still measures"
}

test_a_model_that_names_no_beginning_is_judged_by_the_prompt() {
  nameless=$work/nameless
  python3 "$top/tests/tiny_model.py" "$nameless" '{"bos_token_id": null}'
  echo '{}' >"$nameless/tokenizer_config.json"
  run encode -m "$nameless" -d "$deaf" "Hello" --json
  expect_status 0
  expect_err 'variance unexplained on the prompt and what the model writes after it'
  run encode -m "$nameless" -d "$mirror" "Hello" --json
  [ ! -s "$err" ] || complain "a warning of what fits"
  echo "Hello there." >"$work/hello.txt"
  run measure -m "$nameless" -d "$deaf" --corpus "$work/hello.txt" --json
  expect_err 'whether it is for this model was not found out: the model names no token that begins a text'
  [ "$(grep -c 'variance unexplained' "$err")" -eq 0 ] || complain "a warning without ground"
}

test_a_dictionary_of_another_model_is_refused() {
  python3 "$top/tests/tiny_dictionary.py" "$work/wide" '{"width": 48}'
  run encode -m "$tiny" -d "$work/wide" "Hello"
  expect_status 1
  expect_error 'made for 48 numbers at resid_post.1, but this model has 32'
  python3 "$top/tests/tiny_dictionary.py" "$work/deep" '{"hook": "blocks.7.hook_resid_post"}'
  run encode -m "$tiny" -d "$work/deep" "Hello"
  expect_status 1
  expect_error 'has a layer 7, but this model has [0-9]+ layers'
}

test_convert_writes_what_encodes_to_the_same() {
  run convert "$sae" --to saelens -o "$work/sae" --json
  expect_status 0
  expect_json "$out" "len(doc['result']['files']) == 2 and doc['result']['thresholds'] is None"
  run encode -d "$work/sae" --in "$sae/expected.safetensors" --tensor x -o "$work/sae.out"
  compare "$work/sae.out" "$sae"
  run convert "$clt" --to circuit-tracer -o "$work/clt"
  expect_status 0
  run encode -d "$work/clt" --in "$clt/expected.safetensors" --tensor x -o "$work/clt.out"
  compare "$work/clt.out" "$clt"
  run convert "$clt" --to circuit-tracer -o "$work/clt"
  expect_status 1
  expect_error 'is there already'
}

test_convert_finds_thresholds_for_topk() {
  topk=$formats/ct_plt_topk_negative
  run convert "$topk" --to circuit-tracer -o "$work/topk"
  expect_status 1
  expect_error 'find a threshold'
  [ ! -e "$work/topk" ] || complain "a folder was left behind"
  run convert "$topk" --to circuit-tracer --in "$topk/expected.safetensors" --tensor x -k 9 -o "$work/topk" --json
  expect_status 0
  run encode -d "$work/topk" --in "$topk/expected.safetensors" --tensor x --json
  expect_json "$out" "doc['result']['l0'] == 9"
}

test_a_layer_that_is_not_there_is_refused() {
  run encode -d "$sae" --in "$sae/expected.safetensors" --tensor x --layer 99
  expect_status 1
  expect_error 'has no layer 99'
}

test_one_layer_is_picked_from_a_tensor_of_all() {
  run encode -d "$clt" --in "$clt/expected.safetensors" --tensor x --json
  tokens=$(python3 -c "import json; print(json.load(open('$out'))['result']['tokens'])")
  l0=$(python3 -c "import json; print(json.load(open('$out'))['result']['layers'][1]['l0'])")
  run encode -d "$clt" --in "$clt/expected.safetensors" --tensor x --layer 1 --json
  expect_status 0
  expect_json "$out" "doc['result']['tokens'] == $tokens"
  expect_json "$out" "doc['result']['l0'] == $l0"
}

test_a_single_token_has_no_fvu() {
  run encode -m "$tiny" -d "$mirror" --ids 1 --json
  expect_status 0
  expect_json "$out" "doc['result']['tokens'] == 1 and doc['result']['fvu'] is None"
}

test_convert_takes_no_threshold_that_was_never_estimated() {
  for threshold in 0 0.25; do
    python3 - "$mirror" "$work/threshold$threshold" $threshold <<'EOF'
import json, pathlib, struct, sys
old, new = map(pathlib.Path, sys.argv[1:3])
new.mkdir()
data = (old / "sae_weights.safetensors").read_bytes()
size = struct.unpack("<Q", data[:8])[0]
header, values = json.loads(data[8:8 + size]), data[8 + size:]
header["topk_threshold"] = {"dtype": "F32", "shape": [], "data_offsets": [len(values), len(values) + 4]}
text = json.dumps(header).encode()
(new / "sae_weights.safetensors").write_bytes(
    struct.pack("<Q", len(text)) + text + values + struct.pack("<f", float(sys.argv[3])))
(new / "cfg.json").write_text('{"architecture": "batchtopk", "k": 4}')
EOF
  done
  run convert "$work/threshold0" --to saelens -o "$work/early"
  expect_status 1
  expect_error 'find a threshold'
  run convert "$work/threshold0.25" --to saelens -o "$work/late/" --json
  expect_status 0
  expect_json "$out" "doc['result']['thresholds'] == [0.25]"
}

test_wrong_usage_is_one_sentence() {
  run encode -d "$sae"
  expect_status 2
  run encode -d "$sae" --in "$sae/expected.safetensors" "Hello"
  expect_status 2
  run convert "$sae" --to saelens
  expect_status 2
  run convert "$sae" -o "$work/x"
  expect_status 2
}

test_damaged_dictionaries_are_one_sentence() {
  run encode -d "$formats/sl_legacy_reject_finetuned_scaling_factor" --in "$sae/expected.safetensors" --tensor x
  expect_status 1
  expect_error 'scaling_factor'
  run inspect "$formats/pt_traps/must_refuse.pt"
  expect_status 1
  expect_error '__builtin__.print'
  cp -r "$clt" "$work/broken"
  rm "$work/broken/W_dec_1.safetensors"
  run inspect "$work/broken"
  expect_status 1
  expect_error 'W_dec_1.safetensors is missing'
  run encode -d "$sae" --in "$sae/expected.safetensors" --tensor nothing
  expect_status 1
  expect_error "nothing"
  run encode -d "$clt" --in "$clt/expected.safetensors" --tensor x --layer 7
  expect_status 1
  expect_error 'has no layer 7'
}

test_a_k_where_none_chooses_is_refused() {
  python3 "$top/tests/tiny_dictionary.py" "$work/no_k"
  run convert "$work/no_k" --to circuit-tracer -k 5 -o "$work/with_k"
  expect_status 1
  expect_error 'no_k: its features fire by relu, which has no k to be 5; leave -k out'
  [ ! -e "$work/with_k" ] || complain "something was written"
}

run_tests
