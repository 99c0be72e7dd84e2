#include <array>

#include "cli/command.h"
#include "cli/dictionary_commands.h"

namespace cajal {
namespace {

constexpr std::array<CommandEntry, 20> kCommands = {{
    {"generate", "Continue a text.",
     "  cajal generate -m MODEL \"Once upon a time\" -n 50\n"
     "  cajal generate -m MODEL --ids 2,8,14 --temperature 0.8 --seed 7 --json",
     "write to this file instead of the screen", make_generate_command},
    {"chat", "Talk with a model that has a chat template.",
     "  cajal chat\n"
     "  echo \"What is a neuron?\" | cajal chat -m MODEL --json",
     "keep the conversation in this file, as /save does", make_chat_command},
    {"tokens", "Show how a text is split into the tokens a model reads.",
     "  cajal tokens -m MODEL \"Hello, world\"\n"
     "  cajal tokens -m MODEL --jsonl -f texts.jsonl",
     "write to this file instead of the screen", make_tokens_command},
    {"points", "List the places inside a model where values can be read, or read them.",
     "  cajal points -m MODEL\n"
     "  cajal points -m MODEL \"Hello\" --point resid_post,attn_probs.0 -o values.safetensors",
     "write the values to this safetensors file", make_points_command},
    {"lens", "Show what a model would say after each of its layers (logit lens).",
     "  cajal lens -m MODEL \"The capital of France is\"\n"
     "  cajal lens -m MODEL \"Hello\" --point resid_mid -n 3",
     "write to this file instead of the screen", make_lens_command},
    {"score", "Measure how well a model predicts a text, or what it knows of the specimen's world.",
     "  cajal score -m MODEL -f story.txt --json\n"
     "  cajal score --world geography --questions 200\n"
     "  cajal score --world --probes -o probes.svg",
     "write to this file instead of the screen; with --probes, a picture to a .svg file",
     make_score_command},
    {"inspect", "Say what a model, dictionary, tokenizer or file of tensors is, and check it.",
     "  cajal inspect MODEL\n"
     "  cajal inspect MODEL --check",
     "write to this file instead of the screen", make_inspect_command},
    {"encode",
     "Show which features of a dictionary fire, in a model or on activations from a file.",
     "  cajal encode -d DICTIONARY --in activations.safetensors --tensor x -o "
     "features.safetensors\n"
     "  cajal encode -m MODEL -d DICTIONARY \"The capital of France is\" --json",
     "write features and reconstruction to this safetensors file", make_encode_command},
    {"convert", "Write a dictionary in the layout of another tool.",
     "  cajal convert DICTIONARY --to saelens -o FOLDER\n"
     "  cajal convert DICTIONARY --to circuit-tracer --in activations.safetensors -o FOLDER",
     "the folder to write, which must not be there (but see --force)", make_convert_command},
    {"measure", "Measure how good a dictionary is, beside baselines, and what it knows.",
     "  cajal measure -m MODEL -d DICTIONARY --corpus heldout.txt --svg measured.svg\n"
     "  cajal measure -m MODEL -d DICTIONARY --world geography --probes -v",
     "write to this file instead of the screen", make_measure_command},
    {"atlas", "Gather what each feature of a dictionary fires on and does, as one file.",
     "  cajal atlas -m MODEL -d DICTIONARY --corpus texts.jsonl -o atlas.sqlite\n"
     "  cajal atlas -m MODEL -d DICTIONARY --world -o atlas.sqlite",
     "the file for the atlas", make_atlas_command},
    {"features", "Show what a feature is, find features, or list those that fire on a text.",
     "  cajal features 3:1207\n"
     "  cajal features --search Texas --atlas atlas.sqlite\n"
     "  cajal features --text \"Dallas is in\" -m MODEL -d DICTIONARY --atlas atlas.sqlite",
     "write to this file instead of the screen", make_features_command},
    {"grow", "Train a model from nothing, as a recipe says.",
     "  cajal grow recipe.yaml\n"
     "  cajal grow recipe.yaml --resume",
     "the folder for the model, instead of the recipe's", make_grow_command},
    {"learn", "Learn a dictionary of a model's own concepts.",
     "  cajal learn -m MODEL --corpus text.txt --features 1536 -k 20 -o transcoders\n"
     "  cajal learn recipe.yaml --resume",
     "the folder for the dictionary, instead of the recipe's", make_learn_command},
    {"world", "Show or write the texts that the specimen learns, with what is true of them.",
     "  cajal world --sample geography -n 3\n"
     "  cajal world --stats\n"
     "  cajal world --write corpus -n 10000 --seed 1",
     "write to this file instead of the screen", make_world_command},
    {"trace", "Show which features of a dictionary an answer is due to (attribution graph).",
     "  cajal trace -m MODEL -d DICTIONARY \"The capital of France is\" -o graph.json\n"
     "  cajal trace -m MODEL -d DICTIONARY \"2 + 2 =\" --target \" 4\" --why-not \" 5\"",
     "write the graph to this JSON file, for front ends", make_trace_command},
    {"verify", "Try what a graph claims: switch its groups off in the model, with nothing frozen.",
     "  cajal verify graph.json -m MODEL -d DICTIONARY\n"
     "  cajal verify graph.json --group \"Texas=4_77_9,5_120_9\" --json\n"
     "  cajal verify --calibrate -n 500 --json -o specimen/atlas/calibration.json",
     "write to this file instead of the screen; with --json, what charts cite",
     make_verify_command},
    {"explain",
     "Show how an answer came about: words, ideas, answer, and which claims held when tried.",
     "  cajal explain \"Fact: the capital of the state containing Dallas is\" --html why.html\n"
     "  cajal explain \"36+59=\" --why-not 94\n"
     "  cajal explain \"36+59=\" --versus \"37+59=\"\n"
     "  cajal explain -m MODEL -d DICTIONARY --atlas FILE \"The capital of France is\" --no-claims",
     "write the graph to this JSON file, ideas as its supernodes", make_explain_command},
    {"edit", "Change something inside a model and show what it says then, beside what it said.",
     "  cajal edit -m MODEL -d DICTIONARY \"The capital of France is\" --set 3:last:120=*2\n"
     "  cajal edit -m MODEL \"Two and two\" --set resid_post.2:last=from --from \"Two and ten\"\n"
     "  cajal edit -m MODEL \"Hello\" --steer resid_post.3:*=4*2:120 -d DICTIONARY",
     "write to this file instead of the screen", make_edit_command},
    {"experiment", "Repeat a published experiment on the specimen, with its controls.",
     "  cajal experiment\n"
     "  cajal experiment two-step -v\n"
     "  cajal experiment sums --cases 200 --json -o sums.svg",
     "write to this file instead of the screen; a picture to a .svg file", make_experiment_command},
}};

}  // namespace

std::span<const CommandEntry> commands() {
  return kCommands;
}

}  // namespace cajal
