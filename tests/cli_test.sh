#!/bin/sh
# The grammar of the command line: help, version, exit codes, one-sentence errors.
. "$(dirname "$0")/harness.sh"

commands="generate chat tokens points lens score inspect world trace edit"
llama=$golden/models/llama
prompt_b=97,12,24,0,113,157,132

test_version_names_number_commit_and_instruction_set() {
  run --version
  expect_status 0
  expect_out '^cajal [0-9]+\.[0-9]+\.[0-9]+ .*(avx|sse|neon|scalar)'
}

test_help_lists_every_command() {
  run --help
  expect_status 0
  for name in $commands; do
    expect_out "^ *$name( |$)"
  done
}

test_help_of_every_command_has_an_example() {
  for name in $commands; do
    run "$name" --help
    expect_status 0
    expect_out '[Ee]xample'
    expect_out "cajal $name "
  done
}

test_no_command_is_a_usage_error() {
  run
  expect_status 2
  [ ! -s "$out" ] || complain "usage belongs on standard error"
}

test_an_unknown_command_is_a_usage_error() {
  run generat -m "$llama"
  expect_status 2
  expect_error generat
}

test_an_unknown_flag_is_a_usage_error() {
  run generate -m "$llama" --ids 1 --temprature 1
  expect_status 2
  expect_error temprature
}

test_a_number_that_is_none_is_a_usage_error() {
  run generate -m "$llama" --ids 1 -n many
  expect_status 2
  expect_error many
}

test_a_missing_model_is_an_error_that_names_the_path() {
  run generate -m /no/such/model --ids 1
  expect_status 1
  expect_error /no/such/model
}

test_a_missing_prompt_file_is_an_error_that_names_the_path() {
  run score -m "$llama" -f /no/such/prompt
  expect_status 1
  expect_error /no/such/prompt
}

test_an_id_outside_the_vocabulary_is_an_error_that_names_it() {
  run generate -m "$llama" --ids 1,160000 -n 1
  expect_status 1
  expect_error 160000
}

test_text_for_a_model_without_tokenizer_is_an_error_that_names_ids() {
  run generate -m "$llama" -n 1 "Once upon a time"
  expect_status 1
  expect_error --ids
}

test_past_the_context_length_is_an_error_that_names_the_limit() {
  run generate -m "$llama" --ids $prompt_b -n 100000
  expect_status 1
  limit=$(sed -n 's/.*"max_position_embeddings": *\([0-9]*\).*/\1/p' "$llama/config.json")
  expect_error "$limit"
}

test_an_unknown_point_is_an_error_that_suggests_the_nearest() {
  run points -m "$llama" --ids 1,2 --point resid_pst.0 -o "$work/points.safetensors"
  expect_status 1
  expect_error 'resid_post\.0'
}

test_cuda_is_an_error_that_says_built_without() {
  run generate -m "$llama" --device cuda --ids 1 -n 1
  expect_status 1
  expect_error 'built without'
}

test_json_errors_are_json() {
  run generate --json -m /no/such/model --ids 1
  expect_status 1
  expect_json "$err" 'doc["error"]["code"] and "/no/such/model" in doc["error"]["message"]'
}

test_greedy_ids_are_those_of_the_reference() {
  run generate -m "$llama" --temperature 0 -n 24 --json --ids $prompt_b
  expect_status 0
  expect_json "$out" "doc['schema'] == 1 and doc['command'] == 'generate' and doc['result']['ids'][-24:] == json.load(open('$llama/expected.json'))['greedy_B']['new_tokens']"
}

test_an_output_file_is_not_overwritten_unless_forced() {
  file=$work/points_out.safetensors
  run points -m "$llama" --ids 1,2 --point resid_post.0 -o "$file"
  expect_status 0
  run points -m "$llama" --ids 1,2 --point resid_post.0 -o "$file"
  expect_status 1
  expect_error "$file.*--force"
  run points -m "$llama" --ids 1,2 --point resid_post.0 -o "$file" --force
  expect_status 0
}

run_tests
