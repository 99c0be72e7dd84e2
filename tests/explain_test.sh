#!/bin/sh
# An explanation as a user meets it: what it prints, the files it writes, and what is refused.
. "$(dirname "$0")/harness.sh"

circuit=$golden/circuits/llama_plt_topk
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# explain ARGUMENTS...: of the golden circuit
explain() {
  run explain -m "$circuit/model" -d "$circuit/transcoders" --trust "$@"
}

test_a_chart_is_printed_with_its_line_of_truth() {
  explain "w007 w044 w073"
  expect_status 0
  expect_out '^Why did the model answer "w[0-9]+"\?  \(probability 0\.[0-9]+\)'
  expect_out ' %  not explained$'
  expect_out '^  claims held [0-9]+ of [0-9]+ · replacement 0\.[0-9]+ · completeness 0\.[0-9]+'
  expect_err 'no --atlas was given'
}

test_shares_of_words_and_of_what_is_not_explained_add_up() {
  explain "w007 w044 w073" --no-claims --json
  expect_status 0
  expect_json "$out" "abs(sum(t['share'] for t in doc['result']['tokens']) + doc['result']['unexplained']['share'] - 1) < 1e-6"
  expect_json "$out" "abs(doc['result']['unexplained']['share'] + doc['result']['scores']['replacement'] - 1) < 1e-6"
  expect_json "$out" "len(doc['result']['ideas']) <= 12 and doc['result']['claims']['tried'] == 0"
}

test_claims_are_counted_as_their_boxes_say() {
  explain "w007 w044 w073" --controls 5 --json
  expect_json "$out" "doc['result']['claims']['held'] == sum(bool(x['claim'] and x['claim']['held']) for x in doc['result']['ideas'] + doc['result']['edges'])"
}

test_files_hold_the_page_the_pictures_and_the_graph() {
  explain "w007 w044" --no-claims --html "$work/a.html" --svg "$work/a.svg" --png "$work/a.png" -o "$work/a.json"
  expect_status 0
  grep -q '<!doctype html>' "$work/a.html" || complain "no page"
  python3 -c "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])" "$work/a.svg" || complain "no XML"
  [ "$(head -c 4 "$work/a.png" | tail -c 3)" = PNG ] || complain "no PNG"
  expect_json "$work/a.json" "doc['metadata']['slug'] == 'a' and all(len(g) > 1 for g in doc['qParams']['supernodes'])"
  # A page draws only what is pinned, and asks its own server for examples.
  expect_json "$work/a.json" "set(doc['qParams']['pinnedIds']) >= {i for g in doc['qParams']['supernodes'] for i in g[1:]} | {n['node_id'] for n in doc['nodes'] if n['feature_type'] in ('embedding', 'logit')}"
  expect_json "$work/a.json" "doc['metadata']['scan'] == './data/features/cajal'"
  explain "w007 w044" --no-claims --html "$work/a.html"
  expect_status 1
  expect_error 'exists already'
}

test_groups_of_a_graph_file_come_back_by_name() {
  explain "w007 w044 w073" --no-claims -o "$work/groups.json" --json
  python3 - "$work/groups.json" <<'PYTHON'
import json, sys
graph = json.load(open(sys.argv[1]))
graph["qParams"]["supernodes"] = [["mine <b>"] + graph["qParams"]["supernodes"][0][1:]]
json.dump(graph, open(sys.argv[1], "w"))
PYTHON
  explain "w007 w044 w073" --no-claims --groups "$work/groups.json" --json
  expect_status 0
  expect_json "$out" "any(i['label'] == 'mine <b>' for i in doc['result']['ideas'])"
}

test_each_token_of_the_answer_has_a_chart() {
  explain "w007 w044" --no-claims --answer -n 3 --svg "$work/many.svg" --json
  expect_status 0
  [ "$(wc -l <"$out")" -eq 3 ] || complain "not three results"
  [ -f "$work/many-3.svg" ] || complain "no third picture"
}

test_a_target_and_a_difference_are_what_is_explained() {
  explain "w007 w044" --no-claims --target w025 --why-not w034 --json
  expect_json "$out" "doc['result']['answer']['text'] == 'w025' and doc['result']['why_not'] == 'w034'"
  explain "w007 w044" --no-claims --target w0255
  expect_status 1
  expect_error "the nearest is 'w025'"
  explain "w007 w044" --no-claims --target w025 --why-not w025
  expect_status 1
}

test_two_prompts_of_the_specimen_are_compared() {
  run explain "Fact: the capital of the state containing Dallas is" --controls 5 --json \
    --versus "Fact: the capital of the state containing Oakland is" \
    --html "$work/v.html" --svg "$work/v.svg" --png "$work/v.png" -o "$work/v.json"
  expect_status 0
  # Each half by itself is that prompt's answer; the words that differ are all of the difference.
  expect_json "$out" "not doc['result']['same_answer'] and doc['provenance']['seed'] == 0"
  expect_json "$out" "all(abs(sum(t['share'] for t in p['tokens']) + p['unexplained'] - 1) < 1e-6 for p in (doc['result']['first'], doc['result']['second']))"
  expect_json "$out" "all(i['where'] == 'both' or i[i['where']]['fires'] > i[{'first': 'second', 'second': 'first'}[i['where']]]['fires'] for i in doc['result']['ideas'])"
  expect_json "$out" "[w['first']['exchanged']['way'] for w in doc['result']['words'] if w['likeness'] == 0 and w['first']['exchanged']][0] > 0.9"
  expect_json "$out" "doc['result']['claims']['held'] == sum(bool(h['exchanged'] and h['exchanged']['held']) for x in doc['result']['words'] + doc['result']['ideas'] for h in (x['first'], x['second']))"
  grep -q '<!doctype html>' "$work/v.html" || complain "no page"
  python3 -c "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])" "$work/v.svg" || complain "no XML"
  [ "$(head -c 4 "$work/v.png" | tail -c 3)" = PNG ] || complain "no PNG"
  expect_json "$work/v.json" "doc['metadata']['slug'] == 'v' and any(n['clerp'] for n in doc['nodes'] if n['feature_type'] == 'cross layer transcoder')"
  expect_json "$work/v-2.json" "doc['metadata']['slug'] == 'v-2'"
}

test_a_comparison_prints_a_table_that_fits() {
  explain "w007 w044 w073" --versus "w007 w044 w012" --no-claims
  expect_status 0
  expect_out '^not explained +[0-9.]+ % +[0-9.]+ %'
  expect_out '^  no claim tried'
  explain --ids 1,7,44 --versus 1,7,45,9 --no-claims
  expect_status 0
  expect_out 'have 3 and 4 tokens'
}

test_what_stands_where_the_other_prompt_begins_is_not_exchanged() {
  run explain "Dallas is in the state of" --versus "The city Dallas is in the state of" --no-special --controls 5 --json
  expect_status 0
  expect_json "$out" "any('token 3) is not exchanged with prompt 1' in n for n in doc['result']['notes'])"
  expect_json "$out" "all(i['exchangeable'] or not (i['first']['exchanged'] or i['second']['exchanged']) for i in doc['result']['ideas'])"
  run explain "Dallas is in the state of" --versus "The city Dallas is in the state of" --no-claims --json
  expect_json "$out" "not any('is not exchanged' in n for n in doc['result']['notes']) and all(i['exchangeable'] for i in doc['result']['ideas'])"
}

test_a_comparison_on_a_full_disk_leaves_nothing() {
  mkdir "$work/full"
  (
    trap '' XFSZ
    ulimit -f 8
    explain "w007 w044" --versus "w007 w012" --no-claims --svg "$work/full/a.svg" -o "$work/full/a.json"
    expect_status 1
    expect_error 'full/a'
    exit "$failed_here"
  ) || failed_here=1
  [ -z "$(ls -A "$work/full")" ] || complain "half a file"
}

test_comparisons_that_make_no_sense_are_refused() {
  explain "w007" --versus "w007"
  expect_status 2
  expect_err 'both prompts are the same'
  explain "w007" --versus ""
  expect_status 2
  expect_err 'the prompt is empty'
  explain "w007" --versus "w009" --answer
  expect_status 2
  explain --ids 1,7 --versus "w009"
  expect_status 1
  expect_error 'no list of ids such as 1,2,3'
  explain --ids 1,7 --versus 1,7
  expect_status 1
  expect_error 'both prompts are the same'
  explain "w007" --versus "w009" --why-not w0255
  expect_status 1
  expect_error "the nearest is 'w025'"
  printf 'mine' > "$work/taken-2.json"
  explain "w007" --versus "w009" -o "$work/taken.json"
  expect_status 1
  expect_error 'taken-2.json.*exists already'
  [ ! -e "$work/taken.json" ] || complain "one of two files"
}

test_what_makes_no_sense_is_refused() {
  explain ""
  expect_status 2
  explain "w007" --rows few
  expect_status 2
  explain "w007" --answer --target w025
  expect_status 2
  explain "w007" --svg "$work/same" --png "$work/same"
  expect_status 2
  expect_err 'files of their own'
  explain --ids "$(python3 -c 'print(*[7] * 5000, sep=",")')"
  expect_status 1
  expect_error 'context'
  explain "w007" --html "$work/nowhere/page.html"
  expect_status 1
  explain "w007" --atlas "$circuit/model/config.json"
  expect_status 1
  explain "w007" --groups "$circuit/model/config.json"
  expect_status 1
  expect_error 'qParams'
}

test_a_dictionary_of_another_model_is_refused() {
  run explain -m "$circuit/model" -d "$golden/dictionaries/formats/sl_topk_rescale" "w007"
  expect_status 1
  [ ! -s "$out" ] || complain "something was printed"
}

test_an_interrupted_explanation_leaves_no_file() {
  mkdir "$work/stopped"
  text="Fact: the capital of the state containing Dallas is"
  for versus in "" "Fact: the capital of the state containing Oakland is"; do
    command="explain, interrupted ($versus)"
    "$cajal" explain "$text" ${versus:+--versus "$versus"} --controls 1000 --json --html "$work/stopped/a.html" \
      --png "$work/stopped/a.png" -o "$work/stopped/a.json" -v >"$out" 2>"$err" &
    process=$!
    # Once the model is loaded, graphs and claims are under way, which take seconds.
    while kill -0 "$process" 2>/dev/null && ! grep -q 'loaded specimen' "$err" 2>/dev/null; do
      sleep 0.02
    done
    sleep 0.5
    kill -INT "$process"
    status=0
    wait "$process" || status=$?
    expect_status 130
    [ ! -s "$out" ] || complain "half a result"
    [ -z "$(ls -A "$work/stopped")" ] || complain "half a file"
  done
}

test_damaged_dictionaries_are_refused_in_one_sentence() {
  layer=$(cd "$circuit/transcoders" && ls | grep safetensors | head -n 1)
  damaged() {  # NAME PYTHON: of the bytes `data` of a layer's file
    rm -rf "$work/$1" && cp -r "$circuit/transcoders" "$work/$1" && chmod -R u+w "$work/$1"
    python3 -c "
path = '$work/$1/$layer'
data = open(path, 'rb').read()
$2
open(path, 'wb').write(data)"
    run explain -m "$circuit/model" -d "$work/$1" --trust "w007 w044" --html "$work/$1.html"
    expect_status 1
    expect_error "$layer"
    [ ! -e "$work/$1.html" ] || complain "a page of a damaged dictionary"
  }
  damaged cut 'data = data[:len(data) // 2]'
  damaged empty 'data = b""'
  damaged header 'data = data[:8] + b"?" * 64 + data[72:]'
  damaged long 'data = (1 << 62).to_bytes(8, "little") + data[8:]'
  cp -r "$top/specimen/transcoders" "$work/gone" && chmod -R u+w "$work/gone"
  rm "$work/gone/layer_3.safetensors"
  run explain -d "$work/gone" --trust "36+59="
  expect_status 1
  expect_error 'layer_3'
}

test_a_disk_that_takes_no_more_leaves_nothing() {
  mkdir "$work/small"
  (
    trap '' XFSZ
    ulimit -f 8  # blocks of 512 bytes: less than a picture
    explain "w007 w044" --no-claims --svg "$work/small/a.svg" --html "$work/small/a.html" -o "$work/small/a.json"
    expect_status 1
    expect_error 'small/a'
    exit "$failed_here"
  ) || failed_here=1
  [ -z "$(ls -A "$work/small")" ] || complain "half a file"
}

run_tests
