# Learning dictionaries: what a user sees, and that no work is lost. Seconds of real learning on a model grown here.
. "$(dirname "$0")/harness.sh"

# model: a model of a second or two, once
model() {
  [ -d "$work/m" ] && return
  python3 -c 'import random
draw = random.Random(1)
who, does, what = "cat dog bird fish".split(), "sees likes wants".split(), "milk bread the_moon a_song".split()
print("\n".join(f"The {draw.choice(who)} {draw.choice(does)} {draw.choice(what).replace(chr(95), chr(32))}." for _ in range(3000)))' >"$work/text.txt"
  cat >"$work/m.yaml" <<END
output: m
model: {d_model: 32, layers: 2, heads: 2, d_mlp: 64, context: 32, tied: true}
tokenizer: {vocab: 520}
data: [{text: text.txt}]
training: {steps: 30, batch_rows: 8, warmup: 5, learning_rate: 0.02, precision: f32}
END
  "$cajal" grow "$work/m.yaml" -q >/dev/null 2>&1
}

# recipe NAME: a recipe of dictionaries that are learned in a second or two
recipe() {
  model
  cat >"$work/$1.yaml" <<END
output: $1
model: m
dictionary: {features: 96, k: 6}
data: [{text: text.txt}]
training: {steps: 40, batch: 256, pool: 4, learning_rate: 3e-3, dead_after: 4096}
evaluation: {every: 20, tokens: 2048}
checkpoints: {every: 5}
END
}

test_learns_transcoders_that_other_commands_can_read() {
  recipe t
  run learn "$work/t.yaml"
  expect_status 0
  expect_out "transcoder, 96 features a layer, 40 steps"
  expect_out "layer 1 +FVU 0\..* L0 +6\.00"
  expect_err "step 20/40  FVU .* held-out FVU .* tokens/s"
  [ -f "$work/t/layer_1.safetensors" ] || complain "no dictionary"
  [ "$(wc -l <"$work/t/training/learning.csv")" -eq 41 ] || complain "learning.csv has not a line for each step"
}

test_learns_every_kind_with_every_activation() {
  model
  for kind in transcoder skip-transcoder sae clt; do
    for activation in batchtopk topk jumprelu relu; do
      run learn -m "$work/m" --corpus "$work/text.txt" --kind $kind --activation $activation --features 64 -k 5 --steps 4 -o "$work/$kind-$activation" -q --json
      expect_status 0
      expect_json "$out" 'len(doc["result"]["layers"]) == 2 and doc["result"]["finished"]'
    done
  done
}

test_leaves_a_checkpoint_when_interrupted() {
  recipe stopped
  command="learn, interrupted"
  "$cajal" learn "$work/stopped.yaml" --steps 100000 >"$out" 2>"$err" &
  process=$!
  sleep 2
  kill -TERM "$process"
  status=0
  wait "$process" || status=$?
  expect_status 130
  expect_err "stopped after step .* go on with --resume"
  run learn "$work/stopped.yaml" --steps 100000
  expect_status 1
  expect_error "go on with --resume, or begin again with --force"
}

test_loses_nothing_when_killed() {
  recipe kill
  sed -i 's/every: 5}/every: 1}/' "$work/kill.yaml"
  command="learn, killed again and again"
  status=0
  python3 "$top/tests/grow_kill.py" "$cajal" "$work/kill.yaml" "$work/kills" "" learn >"$out" 2>"$err" || status=$?
  expect_status 0
  cat "$out" >&2
}

test_gives_the_same_bytes_for_any_number_of_threads() {
  recipe threads
  run learn "$work/threads.yaml" --steps 6 -t 1 -o "$work/one" -q
  run learn "$work/threads.yaml" --steps 6 -t 3 -o "$work/three" -q
  expect_status 0
  cmp "$work/one/layer_0.safetensors" "$work/three/layer_0.safetensors" || complain "other bytes with other threads"
}

test_learns_the_baselines_that_measure_puts_beside_a_dictionary() {
  recipe own
  XDG_CACHE_HOME=$work/cache
  export XDG_CACHE_HOME
  run learn "$work/own.yaml" -q
  expect_status 0
  run learn "$work/own.yaml" --decoder random -o "$work/baselines/random-decoder" -q
  expect_status 0
  run learn "$work/own.yaml" --random-model "$work/baselines/random-model/model" -o "$work/baselines/random-model/dictionary" -q
  expect_status 0
  run measure -m "$work/m" -d "$work/own" --corpus "$work/text.txt" --tokens 4096 --splice-tokens 1024 --baseline "$work/baselines" --json -q
  expect_status 0
  expect_json "$out" "all('not_measured' not in b or b['not_measured'] is None for b in doc['result']['corpus']['baselines'][2:])"
  expect_json "$out" "doc['result']['corpus']['total']['metrics']['fvu'] < doc['result']['corpus']['baselines'][2]['total']['metrics']['fvu'] < 1"
  expect_json "$out" "0 < doc['result']['corpus']['baselines'][3]['total']['metrics']['fvu'] < 1"
  expect_json "$out" "abs(doc['result']['corpus']['baselines'][3]['total']['metrics']['l0_mean'] - 6) < 1"
  run learn "$work/own.yaml" --random-model "$work/m" -o "$work/wrong"
  expect_status 1
  expect_error "holds another model"
}

test_learns_on_prompts_of_ids_and_the_models_own_answers() {
  recipe ids
  sed -i 's/^data:.*/data: [{ids: "10-60 10-60 10-60,70", prompts: 300, answer: 12, heldout: 0.3}]/' "$work/ids.yaml"
  run learn "$work/ids.yaml" -q --json
  expect_status 0
  expect_json "$out" 'doc["result"]["finished"] and all(l["fvu"] < 1 for l in doc["result"]["layers"])'
  run learn "$work/ids.yaml" -o "$work/ids-again" -q
  cmp "$work/ids/layer_0.safetensors" "$work/ids-again/layer_0.safetensors" || complain "the same recipe gave other bytes"
  while IFS='|' read -r ids pattern; do
    sed "s/^data:.*/data: [{$ids}]/" "$work/ids.yaml" >"$work/bad.yaml"
    run learn "$work/bad.yaml" -o "$work/bad"
    expect_status 1
    expect_error "$pattern"
  done <<'END'
ids: "1 2-"|ids: '2-' is no list of token ids
ids: "1 99999"|there is no token 99999 in this model; give ids from 0 to
ids: "1 2", text: text.txt|give text \(a file\), world \(a task, or all\) or ids, one of the three
ids: "1 2", prompts: 0|prompts
END
  sed 's/^training:.*/training: {steps: 3}/; s/^data:.*/data: [{ids: "1 2"}]/' "$work/m.yaml" >"$work/bad.yaml"
  run grow "$work/bad.yaml"
  expect_status 1
  expect_error "ids are for cajal learn"
}

test_names_what_of_the_shared_folder_is_missing() {
  recipe shared
  sed -i 's|text.txt|$CAJAL_SHARED/none/at/all.txt|' "$work/shared.yaml"
  CAJAL_SHARED=$work/nowhere
  export CAJAL_SHARED
  run learn "$work/shared.yaml"
  expect_status 1
  expect_error "there is no none/at/all.txt in .*nowhere.* CAJAL_SHARED"
  unset CAJAL_SHARED
}

test_says_in_one_sentence_what_is_wrong() {
  recipe good
  while IFS='|' read -r change pattern; do
    sed "$change" "$work/good.yaml" >"$work/bad.yaml"
    run learn "$work/bad.yaml"
    expect_status 1
    expect_error "$pattern"
  done <<'END'
s/^dictionary:/dictionry:/|bad.yaml: a recipe has no 'dictionry'; it has output
s/features:/feature:/|bad.yaml: dictionary: there is no field 'feature'; did you mean 'features'
s/text.txt/none.txt/|none.txt: .*No such file
/^data/d|bad.yaml: names no text
s/k: 6/k: 97/|k is 97, but there are 96 features
s/k: 6/k: 6, layers: 0-2/|layers: 0 to 2 are not among 0 to 1
s/k: 6/k: 6, point: mlp_inn/|mlp_inn
s/^model: m/model: mm/|mm
END
  : >"$work/empty.txt"
  run learn -m "$work/m" --corpus "$work/empty.txt" -o "$work/empty"
  expect_status 1
  expect_error "empty.txt"
  run learn
  expect_status 2
}

run_tests
