#!/bin/sh
# What each command does with text, on a tiny model that reads it.
. "$(dirname "$0")/harness.sh"

llama=$golden/models/llama
tiny=$work/tiny
long=$work/long
python3 "$top/tests/tiny_model.py" "$tiny"
python3 "$top/tests/tiny_model.py" "$long" '{"max_position_embeddings": 100000, "eos_token_id": null}'

# run_with STDIN ARGS...: as run, with a text on standard input
run_with() {
  printf '%b' "$1" >"$work/stdin"
  shift
  command="$*"
  status=0
  timeout 120 "$cajal" "$@" >"$out" 2>"$err" <"$work/stdin" || status=$?
}

test_generate_streams_the_text_of_its_ids() {
  run generate -m "$tiny" "Hi" -n 8
  expect_status 0
  cp "$out" "$work/text"
  run generate -m "$tiny" "Hi" -n 8 --json
  expect_json "$out" "doc['result']['text'] + '\\n' == open('$work/text', newline='').read()"
  expect_json "$out" "doc['result']['prompt_ids'] == [40, 73]"
}

test_generate_takes_text_from_every_place() {
  printf 'Hi' >"$work/prompt"
  for input in Hi "-f $work/prompt" "--ids 40,73" "--no-special Hi"; do
    # shellcheck disable=SC2086
    run generate -m "$tiny" $input -n 3 --json
    expect_json "$out" "doc['result']['prompt_ids'] == [40, 73]"
  done
  run_with Hi generate -m "$tiny" - -n 3 --json
  expect_json "$out" "doc['result']['prompt_ids'] == [40, 73]"
}

test_generate_ends_before_a_stop_string() {
  run generate -m "$tiny" "Hi" -n 12 --json
  stop=$(python3 -c "import json; print(json.load(open('$out'))['result']['text'][2:4])")
  run generate -m "$tiny" "Hi" -n 12 --json --stop "$stop"
  expect_json "$out" "doc['result']['finish'] == 'stop_string' and len(doc['result']['text']) == 2"
}

test_the_same_seed_gives_the_same_text() {
  run generate -m "$tiny" "Hi" -n 20 --temperature 1 --seed 5
  cp "$out" "$work/first"
  for threads in 1 2 4; do
    run generate -m "$tiny" "Hi" -n 20 --temperature 1 --seed 5 -t $threads
    cmp -s "$out" "$work/first" || complain "another text with $threads threads"
  done
  run generate -m "$tiny" "Hi" -n 20 --temperature 1 --seed 6
  cmp -s "$out" "$work/first" && complain "the same text with another seed"
  return 0
}

test_chat_prompt_gets_the_template_and_nothing_more() {
  run generate -m "$tiny" --chat "Hi" -n 1 --json
  expect_json "$out" "doc['result']['prompt_ids'][0] == 0 and doc['result']['prompt_ids'].count(0) == 2"
}

test_two_bos_in_a_row_are_a_warning() {
  run generate -m "$tiny" "<s><s>Hi" -n 1
  expect_status 0
  expect_err 'two BOS'
  run generate -m "$tiny" "<s><s>Hi" -n 1 -q
  [ ! -s "$err" ] || complain "-q says nothing but errors"
}

test_notes_come_before_the_text_they_are_about() {
  command="generate, both outputs in one file"
  "$cajal" generate -m "$tiny" "<s><s>Hi" -n 5 >"$out" 2>&1 </dev/null
  : >"$err"
  head -n 1 "$out" | grep -q '^cajal: .*two BOS' || complain "text before the note"
}

test_tokens_of_lines_warn_once_of_two_bos() {
  run_with '"a"\n"<s><s>b"\n"<s><s>c"\n' tokens -m "$tiny" --jsonl -
  expect_status 0
  expect_err 'line 2: .*two BOS'
  [ "$(grep -c BOS "$err")" -eq 1 ] || complain "not one warning"
}

test_chat_answers_each_line_and_remembers() {
  run_with 'Hi\nAgain\n' chat -m "$tiny" -n 3 --json
  expect_status 0
  [ "$(wc -l <"$out")" -eq 2 ] || complain "not one object a turn"
  expect_json "$out" "doc['result']['prompt_ids'].count(0) == 4 and doc['command'] == 'chat'"
}

test_chat_forgets_after_reset() {
  run_with 'Hi\n/reset\nAgain\n' chat -m "$tiny" -n 3 --json
  expect_status 0
  expect_json "$out" "doc['result']['prompt_ids'].count(0) == 2"
}

test_chat_answers_as_if_all_was_read_anew() {
  run_with 'Hi\nAgain\n' chat -m "$tiny" -n 3 --json
  ids=$(tail -n 1 "$out" | python3 -c "import json, sys; print(*json.load(sys.stdin)['result']['prompt_ids'], sep=',')")
  cp "$out" "$work/turns"
  run generate -m "$tiny" --ids "$ids" -n 3 --json
  expect_json "$out" "doc['result']['ids'] == json.loads(open('$work/turns').readlines()[-1])['result']['ids']"
}

test_chat_saves_the_conversation_once() {
  run_with "Hi\n/save $work/talk.json\n" chat -m "$tiny" -n 2
  expect_status 0
  tr -d '\n' <"$work/talk.json" >"$work/talk"
  expect_json "$work/talk" "[m['role'] for m in doc] == ['user', 'assistant'] and doc[0]['content'] == 'Hi'"
  run_with "Hi\n/save $work/talk.json\n" chat -m "$tiny" -n 2
  expect_status 1
  expect_err "talk.json: exists already"
}

test_chat_keeps_every_turn_in_the_output() {
  interrupt SIGINT talk.json chat -m "$long" -n 3 -o talk.json
  expect_status 130
  tr -d '\n' <"$work/here/talk.json" >"$work/talk"
  expect_json "$work/talk" "[m['role'] for m in doc] == ['user', 'assistant']"
  run_with "Hi\n/sing\n" chat -m "$tiny" -n 2 -o "$work/kept.json"
  expect_status 1
  tr -d '\n' <"$work/kept.json" >"$work/talk"
  expect_json "$work/talk" "len(doc) == 2"
}

test_chat_does_not_replace_what_save_made() {
  run_with "/save $work/saved.json\nHi\n" chat -m "$tiny" -n 2 -o "$work/saved.json"
  expect_status 1
  expect_err "saved.json: exists already"
  [ "$(cat "$work/saved.json")" = "[]" ] || complain "what /save wrote is gone"
  run_with "/save $work/saved.json\nHi\n" chat -m "$tiny" -n 2 -o "$work/saved.json" --force
  expect_status 0
}

test_chat_tells_commands_from_text() {
  run_with 'Hi\n/etc/hosts is a file\n/reset \r\n/tmp is a folder\n/exit\r\n' chat -m "$tiny" -n 2 --json
  expect_status 0
  [ "$(wc -l <"$out")" -eq 3 ] || complain "not three turns"
  expect_json "$out" "doc['result']['prompt_ids'].count(0) == 2"
}

test_tokens_shows_ids_pieces_and_bytes() {
  run tokens -m "$tiny" "a b"
  expect_status 0
  expect_out '^ *65  *a  *61$'
  expect_out '^ *95  *Ġ  *20$'
}

test_tokens_of_ids_are_named() {
  run tokens -m "$tiny" --ids 65,95 --json
  expect_json "$out" "doc['result'] == {'ids': [65, 95], 'pieces': ['a', 'Ġ'], 'offsets': None}"
}

test_tokens_needs_no_model() {
  mkdir -p "$work/only"
  cp "$tiny/tokenizer.json" "$work/only"
  run tokens -m "$work/only" "ab" --json
  expect_status 0
  expect_json "$out" "doc['result']['ids'] == [65, 66] and doc['result']['offsets'] == [[0, 1], [1, 2]]"
  run inspect "$work/only"
  expect_out '^kind *tokenizer$'
}

test_tokens_of_lines_are_lines() {
  run_with '"ab"\n"a\\nb"\n' tokens -m "$tiny" --jsonl -
  expect_status 0
  [ "$(wc -l <"$out")" -eq 2 ] || complain "not one object a line"
  expect_json "$out" "doc['ids'] == [65, 96, 66]"
}

test_special_ids_are_checked_against_the_configuration() {
  mkdir -p "$work/small"
  cp "$tiny/tokenizer.json" "$work/small"
  echo '{"vocab_size": 100, "eos_token_id": 150}' >"$work/small/config.json"
  run tokens -m "$work/small" Hi
  expect_status 0
  expect_err '150 is outside the vocabulary of 100'
}

test_names_stand_for_ids_of_a_model_without_tokenizer() {
  python3 -c "import json; json.dump({f'word{i}': i for i in range(160)}, open('$work/names.json', 'w'))"
  run generate -m "$llama" --ids 97,12,24,0,113,157,132 -n 2 --vocab "$work/names.json"
  expect_status 0
  expect_out '^word157 word147$'
  run generate -m "$tiny" Hi -n 2 --vocab "$work/names.json"
  expect_status 1
  expect_error 'tokenizer of its own'
}

test_names_are_not_for_a_model_with_a_tokenizer() {
  for name in tokens lens; do
    run $name -m "$tiny" Hi --vocab "$work/names.json"
    expect_status 1
    expect_error 'tokenizer of its own'
  done
}

test_the_model_is_recorded_as_given() {
  cache=$work/cache/models--some--tiny
  commit=0123456789abcdef0123456789abcdef01234567
  mkdir -p "$cache/refs" "$cache/snapshots"
  printf %s $commit >"$cache/refs/main"
  cp -r "$tiny" "$cache/snapshots/$commit"
  for name in "tokens -m some/tiny Hi" "score -m some/tiny Hi" "inspect some/tiny"; do
    # shellcheck disable=SC2086
    HF_HUB_CACHE=$work/cache run $name --json
    expect_json "$out" "doc['provenance']['model'] == 'some/tiny'"
  done
}

test_the_reference_says_that_it_has_a_precision_of_its_own() {
  run score -m "$tiny" Hi --device ref --precision bf16
  expect_status 0
  expect_err 'ref computes in f64'
}

test_points_lists_all_and_reads_some() {
  run points -m "$tiny"
  expect_status 0
  expect_out '^attn_probs.2  *\[4 \* tokens, tokens\]$'
  run points -m "$tiny" "Hi" --point blocks.1.hook_resid_post --json
  expect_json "$out" "doc['result']['points'][0]['name'] == 'resid_post.1' and doc['result']['points'][0]['shape'] == [2, 32]"
}

test_lens_has_a_column_for_each_layer() {
  run lens -m "$tiny" "Hi"
  expect_status 0
  expect_out 'token  *resid_post.0  *resid_post.1  *resid_post.2$'
}

test_score_is_that_of_the_reference() {
  ids=$(python3 -c "import json; print(*json.load(open('$llama/expected.json'))['tokens']['C'], sep=',')")
  run score -m "$llama" --ids "$ids" --json
  expect_json "$out" "abs(doc['result']['mean_nll'] - json.load(open('$llama/expected.json'))['mean_nll_C']) < 1e-5"
}

test_score_of_the_world_is_by_task_kind_and_split() {
  run score -m "$tiny" --world sums --questions 3
  expect_status 0
  expect_out '^sums  *sum  *heldout  *0.0 %  *3  *90.0 %  MISSED$'
  expect_out '^missed: sums sum, sums own-account$'
  run score -m "$tiny" --world --questions 1 --split train --json
  expect_status 0
  expect_json "$out" "{t['task'] for t in doc['result']['tasks']} >= {'geography', 'sums', 'people'}"
  expect_json "$out" "all(t['split'] == 'train' and t['n'] == 1 for t in doc['result']['tasks'])"
}

test_score_of_the_world_chooses_by_seed() {
  for seed in 1 1 2; do
    run score -m "$tiny" --world sums --questions 3 --seed $seed --json
    python3 -c "import json; print([m['prompt'] for t in json.load(open('$out'))['result']['tasks'] for m in t['misses']])" >>"$work/chosen"
  done
  [ "$(sort "$work/chosen" | uniq -c | awk '{print $1}' | sort | tr -d '\n')" = 12 ] || complain "not the choice of the seed"
}

test_score_of_the_world_suggests_the_nearest_task() {
  run score -m "$tiny" --world smus
  expect_status 1
  expect_error "no task 'smus'; did you mean 'sums'"
}

test_score_of_the_world_needs_a_tokenizer() {
  run score -m "$llama" --world sums
  expect_status 1
  expect_error 'has no tokenizer'
}

test_probes_are_a_table_and_a_picture() {
  run score -m "$tiny" --world sums --probes --questions 30
  expect_status 0
  expect_out '^task  *hidden  *at  *of  *chance  *usual  *emb.  *0  *1  *2  *new  *aim$'
  expect_out '^sums  *sum.ones  *its end .* 95, emb. at most 20  (MISSED|reached)$'
  run score -m "$tiny" --world sums --probes --questions 30 -o "$work/probes.svg"
  expect_status 0
  expect_out '^sums  *sum.carry'
  grep -q '</svg>' "$work/probes.svg" || complain "no picture"
  run score -m "$tiny" --world sums --patch -o "$work/patches.svg"
  expect_status 1
  expect_error 'there is no picture of this'
  run score -m "$tiny" --world sums --probes -o "$work/probes.svg"
  expect_status 1
  expect_error 'exists already'
}

test_inspect_checks_a_model() {
  run inspect "$tiny" --check
  expect_status 0
  expect_out '^family *llama$'
  expect_out 'passed *true'
}

test_output_goes_to_the_file_whole_or_not_at_all() {
  run score -m "$tiny" "Hi" -o "$work/score.txt"
  expect_status 0
  [ ! -s "$out" ] || complain "both the file and the screen"
  grep -q 'mean NLL' "$work/score.txt" || complain "nothing in the file"
  run generate -m "$tiny" "Hi" -n 5000 -o "$work/none.txt"
  expect_status 1
  [ ! -e "$work/none.txt" ] || complain "a file in spite of the error"
}

test_flags_that_make_no_sense_together_are_usage_errors() {
  for wrong in "generate -m $tiny" "generate -m $tiny Hi --ids 1" \
    "generate -m $tiny -f $work/stdin Hi" "generate -m $tiny --chat --ids 1" "points -m $tiny Hi" \
    "points -m $tiny --all" "score -m $tiny Hi --world" "score -m $tiny Hi --split train" "score -m $tiny Hi --probes" "tokens -m $tiny --jsonl --ids 1"; do
    # shellcheck disable=SC2086
    run $wrong
    expect_status 2
    expect_error '[a-z]'
  done
}

test_a_full_disk_is_an_error() {
  command="generate to a full disk"
  : >"$out"
  : >"$err"
  if [ ! -c /dev/full ]; then
    complain "there is no /dev/full to stand for a full disk"
    return
  fi
  status=0
  "$cajal" generate -m "$tiny" Hi -n 2 >/dev/full 2>"$err" </dev/null || status=$?
  expect_status 1
  expect_error 'standard output'
}

test_output_replaces_what_a_link_leads_to() {
  mkdir "$work/links"
  echo old >"$work/links/file"
  ln -s file "$work/links/link"
  run score -m "$tiny" Hi -o "$work/links/link"
  expect_status 1
  expect_error "link: exists already.*--force"
  run score -m "$tiny" Hi -o "$work/links/link" --force
  expect_status 0
  [ -L "$work/links/link" ] || complain "the link is gone"
  grep -q 'mean NLL' "$work/links/file" || complain "nothing in the file"
}

test_output_replaces_nothing_but_files() {
  mkdir "$work/pipes"
  mkfifo "$work/pipes/pipe"
  for force in "" --force; do
    # shellcheck disable=SC2086
    run score -m "$tiny" Hi -o "$work/pipes/pipe" $force
    expect_status 1
    expect_error "pipes/pipe: is no regular file"
    grep -q -e --force "$err" && complain "--force would not help"
  done
  [ -p "$work/pipes/pipe" ] || complain "the pipe is gone"
}

test_a_prompt_may_be_a_pipe_and_a_model_not() {
  mkfifo "$work/prompt_pipe"
  printf Hi >"$work/prompt_pipe" &
  run generate -m "$tiny" -f "$work/prompt_pipe" -n 1 --json
  expect_json "$out" "doc['result']['prompt_ids'] == [40, 73]"
  run_with Hi generate -m "$tiny" -f /dev/stdin -n 1 --json
  expect_json "$out" "doc['result']['prompt_ids'] == [40, 73]"
  run inspect "$work/prompt_pipe"
  expect_status 1
  expect_error 'not a regular file'
}

# interrupt SIGNALS WAIT_FOR ARGS...: runs the program in the folder $work/here and, once WAIT_FOR
# (a file name pattern there, or - for something on standard output) has come, sends the signals
interrupt() {
  command="$*"
  rm -rf "$work/here"
  mkdir "$work/here"
  signals=$1
  awaited=$2
  shift 2
  status=$(python3 -c '
import pathlib, signal, subprocess, sys, time
signals, awaited, folder, program, *arguments = sys.argv[1:]
p = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL, cwd=folder)
p.stdin.write(b"Hi\n")
p.stdin.flush()
if awaited == "-":
    p.stdout.read(1)
while awaited != "-" and p.poll() is None and not list(pathlib.Path(folder).glob(awaited)):
    time.sleep(0.01)
time.sleep(0.3)
for name in signals.split(","):
    p.send_signal(signal.Signals[name])
    time.sleep(0.05)
p.stdout.read()
print(p.wait(20))' "$signals" "$awaited" "$work/here" "$(realpath "$cajal")" "$@")
  : >"$out"
  : >"$err"
}

test_an_interrupt_ends_a_generation_with_130() {
  interrupt SIGINT - generate -m "$long" Hi -n 90000
  expect_status 130
  interrupt SIGINT - chat -m "$long" -n 90000
  expect_status 130
}

test_an_interrupt_ends_a_chat_that_waits_with_130() {
  interrupt SIGINT - chat -m "$long" -n 3
  expect_status 130
}

test_an_interrupt_leaves_no_file() {
  yes '"some text with words"' | head -n 500000 >"$work/lines"
  for signals in SIGINT SIGTERM SIGHUP SIGINT,SIGINT; do
    interrupt $signals '.out.*' generate -m "$long" Hi -n 90000 -o out
    expect_status 130
    [ -z "$(ls -A "$work/here")" ] || complain "left behind: $(ls -A "$work/here")"
  done
  interrupt SIGINT '.out.*' tokens -m "$tiny" --jsonl -f "$work/lines" -o out
  expect_status 130
  [ -z "$(ls -A "$work/here")" ] || complain "left behind: $(ls -A "$work/here")"
}

run_tests
