#!/bin/sh
# Experiments as a user meets them. What they find is in docs/experiments/; here is what is refused.
. "$(dirname "$0")/harness.sh"

circuit=$golden/circuits/llama_plt_topk
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

test_without_a_name_they_are_listed() {
  run experiment
  expect_status 0
  expect_out '^two-step  +swap the state'
  expect_out '^rhyme  '
}

test_models_from_elsewhere_that_are_missing_are_named() {
  for name in capp stories; do
    CAJAL_SHARED=$work/nowhere run experiment $name
    expect_status 1
    expect_error "there is no models/.* in .*nowhere: .* CAJAL_SHARED"
  done
}

test_transcoders_that_were_not_learned_yet_say_how() {
  run experiment stories -m "$circuit/model"
  if [ "$status" -ne 1 ] || ! grep -q 'learn it with cajal learn recipes/stories260K.yaml' "$err"; then
    # Somebody learned them: then the model here is not what they are for.
    [ "$status" -ne 0 ] || complain "another model passed for stories260K"
  fi
}

test_plans_are_those_of_one_model() {
  python3 -c "import json; json.dump({f'word{i}': i for i in range(160)}, open('$work/names.json', 'w'))"
  run experiment capp -m "$circuit/model" -d "$circuit/transcoders" --trust --vocab "$work/names.json"
  expect_status 1
  expect_error "tokenizer of its own|there is no token 'holes_normal_threaded' in this model"
}

test_plans_of_a_real_model() {
  shared=${CAJAL_SHARED:-$top/../shared}
  if [ ! -d "$shared/models/capp-gpt2" ]; then
    echo "  skipped: there is no models/capp-gpt2 in $shared"
    return
  fi
  sed 's/prompts: 20000/prompts: 500/' "$top/recipes/capp-gpt2.yaml" >"$work/capp.yaml"
  run learn "$work/capp.yaml" -m "$shared/models/capp-gpt2" --features 64 --steps 40 -o "$work/capp" -q
  expect_status 0
  ln -s "$shared/models/capp-gpt2" "$work/elsewhere"  # whatever its folder is called
  run experiment capp -m "$work/elsewhere" --vocab "$shared/models/capp-gpt2/token_mappings.json" -d "$work/capp" --cases 2 --development 1 --json
  expect_status 0
  # The fit is measured on a part: on text that begins with the end token it would be bad.
  ! grep -q 'variance unexplained\|not found out' "$err" || complain "a false warning"
  expect_json "$out" 'len(doc["result"]["observations"]) > 10 and doc["result"]["name"] == "capp"'
  expect_json "$out" 'all(o["share"] == 1 for o in doc["result"]["observations"] if "instead" in o["condition"])'
}

test_an_unknown_one_is_told_the_nearest() {
  run experiment two-steps
  expect_status 1
  expect_error "no experiment 'two-steps', the nearest is 'two-step'"
}

test_a_model_that_does_not_know_the_world_is_refused() {
  run experiment two-step -m "$circuit/model" -d "$circuit/transcoders" --trust --cases 2 --development 1
  expect_status 1
  expect_error 'only 0 of 1 questions on states could be used'
}

test_a_model_without_numbers_is_refused() {
  run experiment sums -m "$circuit/model" -d "$circuit/transcoders" --trust
  expect_status 1
  expect_error 'the numbers 0 and 1 are one token of this model'
}

test_a_missing_dictionary_is_named() {
  run experiment rhyme -m "$circuit/model" -d "$work/none"
  expect_status 1
  expect_error 'none'
}

test_a_picture_is_not_overwritten() {
  touch "$work/there.svg"
  run experiment sums -m "$circuit/model" -d "$circuit/transcoders" -o "$work/there.svg"
  expect_status 1
  expect_error 'there.svg'
}

test_circuits_need_a_world() {
  run score -m "$circuit/model" --circuits "w007 w044"
  expect_status 2
}

run_tests
