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

test_a_model_that_cannot_add_is_refused() {
  run experiment sums -m "$circuit/model" -d "$circuit/transcoders" --trust
  expect_status 1
  expect_error 'only 0 of 48 sums of two digits could be used'
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
