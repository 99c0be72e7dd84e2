#!/bin/sh
# Without -m commands take the specimen, found from where the program lies. The program is put into
# trees of its own, with a tiny model in place of the specimen.
. "$(dirname "$0")/harness.sh"

tiny=$work/tiny
python3 "$top/tests/tiny_model.py" "$tiny"
python3 "$top/tests/tiny_dictionary.py" "$work/transcoders"
python3 "$top/tests/tiny_dictionary.py" "$work/loud" '{"scale": 3.0}'
printf 'The cat sat on the mat.\nIt is there to this day.\n' >"$work/text.txt"

# place PROGRAM_FOLDER [MODEL_FOLDER]: from now on `run` runs the program there
place() {
  rm -rf "$work/tree"
  mkdir -p "$work/tree/$1"
  ln "$built" "$work/tree/$1/cajal" 2>/dev/null || cp "$built" "$work/tree/$1/cajal"
  cajal=$work/tree/$1/cajal
  [ -z "${2-}" ] || { mkdir -p "$work/tree/$2" && cp "$tiny"/* "$work/tree/$2"; }
}
built=$cajal

test_the_specimen_of_the_source_tree_is_the_default_model() {
  run generate -m "$tiny" Hi -n 4
  cp "$out" "$work/text"
  place build/release/bin specimen/model
  run generate Hi -n 4
  expect_status 0
  cmp -s "$out" "$work/text" || complain "not the text of the model there"
}

test_the_installed_specimen_is_the_default_model() {
  place bin share/cajal/specimen/model
  run generate Hi -n 4
  expect_status 0
  cmp -s "$out" "$work/text" || complain "not the text of the model there"
}

test_the_specimen_is_found_through_a_link() {
  place build/release/bin specimen/model
  ln -s "$cajal" "$work/tree/link"
  cajal=$work/tree/link
  run generate Hi -n 4
  expect_status 0
}

test_the_default_is_told_once_and_not_with_quiet() {
  place build/release/bin specimen/model
  for command_line in "generate Hi -n 2" "tokens Hi" "points" "lens Hi" "score Hi" "inspect" "inspect --check" "chat"; do
    # shellcheck disable=SC2086
    run $command_line
    expect_status 0
    [ "$(grep -c 'using the specimen, .*tree/specimen/model' "$err")" -eq 1 ] || complain "not told once"
  done
  run generate Hi -n 2 -q
  [ ! -s "$err" ] || complain "-q says nothing but errors"
  run generate -m "$tiny" Hi -n 2
  [ ! -s "$err" ] || complain "told with -m"
}

test_results_call_it_specimen() {
  place build/release/bin specimen/model
  for command_line in "generate Hi -n 2" "tokens Hi" "points" "lens Hi" "score Hi" "inspect"; do
    # shellcheck disable=SC2086
    run $command_line --json
    expect_json "$out" "doc['provenance']['model'] == 'specimen' and len(doc['provenance']['tokenizer_hash']) == 32"
  done
}

test_without_a_specimen_the_error_says_where_it_was_looked_for() {
  place build/release/bin
  for command_line in "generate Hi" "chat" "tokens Hi" "points" "lens Hi" "score Hi" "inspect"; do
    # shellcheck disable=SC2086
    run $command_line
    expect_status 1
    expect_error "share/cajal/specimen/model.*tree/specimen/model: grow it with cajal grow specimen/recipe.yaml, or .* -m MODEL"
  done
}

test_the_specimens_own_dictionary_and_atlas_are_the_defaults() {
  XDG_CACHE_HOME=$work/cache
  export XDG_CACHE_HOME
  place build/release/bin specimen/model
  specimen=$work/tree/specimen
  run atlas -m "$tiny" -d "$work/transcoders" --corpus "$work/text.txt" -o "$work/atlas.sqlite" -q
  expect_status 0
  run features 1:1
  expect_status 1
  expect_error "no --atlas was given, .*tree/specimen/atlas/atlas.sqlite: make it with cajal atlas .* --atlas FILE"
  run features --text Hi --atlas "$work/atlas.sqlite" -q
  expect_status 1
  expect_error "no -d was given, .*tree/specimen/transcoders: make it with cajal learn .* -d DICTIONARY"
  cp -r "$work/transcoders" "$specimen/transcoders"
  mkdir "$specimen/atlas"
  cp "$work/atlas.sqlite" "$specimen/atlas"
  run features 1:1
  expect_status 0
  expect_err 'using the specimen.s, .*tree/specimen/atlas/atlas.sqlite'
  run features --text Hi --all --json
  expect_status 0
  expect_json "$out" "doc['result']['overall']"
  run features --text Hi -d "$work/loud" --trust -q
  expect_status 1
  expect_error "the atlas was made with another dictionary .* --atlas FILE"
  run measure --corpus "$work/text.txt" -q
  expect_status 0
  run atlas --corpus "$work/text.txt" -o "$work/again.sqlite" -q
  expect_status 0
}

test_without_a_specimen_an_atlas_must_be_named() {
  place build/release/bin
  run features 1:1
  expect_status 1
  expect_error "no --atlas was given, and there is no specimen .* --atlas FILE"
}

test_a_damaged_specimen_is_an_error_that_names_it() {
  place build/release/bin specimen/model
  : >"$work/tree/specimen/model/config.json"
  run generate Hi -q
  expect_status 1
  expect_error 'specimen/model/config.json'
}

run_tests
