# Growing models: what a user sees, and that no work is lost. Seconds of real training on a text made here.
. "$(dirname "$0")/harness.sh"

make_text() {
  python3 -c 'import random
draw = random.Random(1)
who, does, what = "cat dog bird fish".split(), "sees likes wants".split(), "milk bread the_moon a_song".split()
print("\n".join(f"The {draw.choice(who)} {draw.choice(does)} {draw.choice(what).replace(chr(95), chr(32))}." for _ in range(3000)))' >"$work/text.txt"
}

# recipe NAME EXTRA: a recipe of a model that is trained in a second or two
recipe() {
  make_text
  cat >"$work/$1.yaml" <<END
output: $1
model: {d_model: 32, layers: 2, heads: 2, d_mlp: 64, context: 32, tied: true}
tokenizer: {vocab: 520}
data: [{text: text.txt}]
training: {steps: 60, batch_rows: 8, warmup: 5, learning_rate: 0.02, precision: f32}
evaluation: {every: 20, tokens: 1000}
checkpoints: {every: 5}
${2:-}
END
}

test_grows_a_model_that_has_learned_the_text() {
  recipe m
  run grow "$work/m.yaml"
  expect_status 0
  expect_out "parameters, 60 steps in .* on held-out text"
  expect_err "step 20/60  loss .* held-out .* tokens/s"
  run generate -m "$work/m" "The cat" -n 4
  expect_status 0
  expect_out "^ (sees|likes|wants) (milk|bread|the moon|a song)"
}

test_keeps_a_table_and_a_curve_of_the_loss() {
  recipe curve
  run grow "$work/curve.yaml" --steps 7 -q
  expect_status 0
  [ "$(wc -l <"$work/curve/training/loss.csv")" -eq 8 ] || complain "loss.csv has not a line for each step"
  grep -q "</svg>" "$work/curve/training/loss.svg" || complain "loss.svg is no picture"
}

test_tells_in_json_how_it_went() {
  recipe json
  run grow "$work/json.yaml" --steps 3 --json
  expect_status 0
  expect_json "$out" 'doc["command"] == "grow" and doc["result"]["finished"] and doc["result"]["step"] == 3'
}

test_writes_to_the_folder_that_is_given() {
  recipe given
  run grow "$work/given.yaml" --steps 2 -o "$work/elsewhere" -q
  expect_status 0
  [ -f "$work/elsewhere/model.safetensors" ] || complain "no model in the folder given by -o"
}

test_leaves_a_checkpoint_when_interrupted() {
  recipe stopped 'seed: 3'
  command="grow, interrupted"
  "$cajal" grow "$work/stopped.yaml" --steps 100000 >"$out" 2>"$err" &
  process=$!
  sleep 1.5
  kill -TERM "$process"
  status=0
  wait "$process" || status=$?
  expect_status 130
  expect_err "stopped after step .* go on with --resume"
  ls "$work"/stopped/training/step-*.safetensors >/dev/null || complain "no checkpoint"
  run grow "$work/stopped.yaml" --steps 100000
  expect_status 1
  expect_error "go on with --resume, or begin again with --force"
  run grow "$work/stopped.yaml" --steps 2 --force -q
  expect_status 0
}

# wait_for FILE: until it is there
wait_for() {
  for _ in $(seq 600); do
    [ ! -e "$1" ] || return 0
    sleep 0.1
  done
  complain "no $1 after a minute"
}

test_refuses_a_folder_in_which_another_grows() {
  recipe shared
  command="grow, twice at once"
  "$cajal" grow "$work/shared.yaml" --steps 100000 -q >"$out" 2>"$err" &
  process=$!
  wait_for "$work/shared/training/loss.csv"
  for how in "" --resume --force; do
    # shellcheck disable=SC2086
    run grow "$work/shared.yaml" --steps 100000 $how -q
    expect_status 1
    expect_error "shared: another process is growing or learning here"
  done
  kill -KILL "$process"
  wait "$process"
  run grow "$work/shared.yaml" --steps 2 --force -q
  expect_status 0
}

# To ask all questions takes far longer than a step of so small a model.
test_leaves_a_checkpoint_when_interrupted_while_asking() {
  recipe asked
  sed -i 's/^data:.*/data: [{world: all}]/; s/^evaluation:.*/evaluation: {every: 1, questions: 100000}/; s/every: 5/every: 0/; s/context: 32/context: 128/; s/batch_rows: 8/batch_rows: 2/; s/vocab: 520/vocab: 3000, sample: 500/; s/d_model: 32, layers: 2/d_model: 128, layers: 4/' "$work/asked.yaml"
  command="grow, interrupted while it asks questions"
  "$cajal" grow "$work/asked.yaml" --steps 100 >"$out" 2>"$err" &
  process=$!
  for _ in $(seq 600); do
    grep -q "a vocabulary of" "$err" && break
    sleep 0.1
  done
  sleep 3
  kill -INT "$process"
  status=0
  wait "$process" || status=$?
  expect_status 130
  expect_err "step 1: interrupted, so its scores are left out"
  expect_err "stopped after step 1 of 100"
  [ -f "$work/asked/training/step-00000001.safetensors" ] || complain "no checkpoint"
}

test_does_not_go_on_with_another_text_of_the_same_length() {
  recipe changed
  run grow "$work/changed.yaml" --steps 2 -q
  expect_status 0
  tac "$work/text.txt" >"$work/reversed.txt"
  mv "$work/reversed.txt" "$work/text.txt"
  run grow "$work/changed.yaml" --steps 2 --resume -q
  expect_status 1
  expect_error "belongs to another recipe: read.tokens"
}

test_loses_nothing_when_killed() {
  recipe kill 'seed: 5'
  sed -i 's/every: 5}/every: 1, milestones: 4}/; s/steps: 60/steps: 40/; s/d_model: 32/d_model: 96/; s/f32/auto/' "$work/kill.yaml"
  command="grow, killed again and again"
  status=0
  python3 "$top/tests/grow_kill.py" "$cajal" "$work/kill.yaml" "$work/kills" >"$out" 2>"$err" || status=$?
  expect_status 0
  cat "$out" >&2
}

test_gives_the_same_bytes_for_any_number_of_threads() {
  recipe threads
  sed -i 's/f32/auto/' "$work/threads.yaml"
  run grow "$work/threads.yaml" --steps 6 -t 1 -o "$work/one" -q
  run grow "$work/threads.yaml" --steps 6 -t 3 -o "$work/three" -q
  expect_status 0
  cmp "$work/one/model.safetensors" "$work/three/model.safetensors" || complain "other bytes with other threads"
  export OMP_NUM_THREADS=2,1
  run grow "$work/threads.yaml" --steps 6 -o "$work/nested" -q
  unset OMP_NUM_THREADS
  expect_status 0
  cmp "$work/one/model.safetensors" "$work/nested/model.safetensors" || complain "other bytes with OMP_NUM_THREADS=2,1"
}

test_says_in_one_sentence_what_is_wrong_with_a_recipe() {
  recipe good
  while IFS='|' read -r change pattern; do
    sed "$change" "$work/good.yaml" >"$work/bad.yaml"
    run grow "$work/bad.yaml"
    expect_status 1
    expect_error "$pattern"
  done <<'END'
s/^model:/modle:/|bad.yaml: a recipe has no 'modle'; it has output
s/d_model:/d_modle:/|bad.yaml: model: there is no field 'd_modle'; did you mean 'd_model'
s/text.txt/none.txt/|none.txt: .*No such file
/^data/d|bad.yaml: names no data
s/vocab: 520/vocab: 100/|a vocabulary of 100 is too small
s/0.02/1e6/|learning_rate: must be more than 0 and at most 1, not '1000000'
s/heads: 2/heads: 3/|d_model 32 is not a multiple of 3 heads
s/context: 32/context: {/|bad.yaml: .*line
s/batch_rows: 8/batch_rows: 65536/; s/context: 32/context: 65536/|bad.yaml: training: 65536 rows of 65536 tokens are too many for a pass
s/steps: 60/tokens: 9000000000000000/|bad.yaml: training: .* steps are too many
END
  run grow "$work/absent.yaml"
  expect_error "absent.yaml"
  run grow
  expect_status 2
}

test_stops_when_the_loss_blows_up() {
  recipe blow
  sed -i 's/0.02/1/; s/warmup: 5/warmup: 0, clip: 0/' "$work/blow.yaml"
  run grow "$work/blow.yaml" -q
  expect_status 1
  expect_error "step [0-9]+: the loss .* blown up; (the last good checkpoint is|there is no checkpoint)"
}

run_tests
