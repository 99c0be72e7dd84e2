// The fields that several use cases share: which model to run where, and what to give it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/fields.h"

namespace cajal {

struct ModelOptions {
  std::string model;  // folder, .gguf file, org/name in the Hugging Face cache; empty: specimen
  std::string device = "cpu";          // "cpu", "ref", "cuda"
  std::string precision;               // empty: the model's own choice
  std::optional<std::size_t> threads;  // absent: all cores
  std::string vocab;                   // file with names of ids, for a model without tokenizer
};

/// Exactly one of text and ids.
struct InputOptions {
  std::optional<std::string> text;
  std::vector<TokenId> ids;
  bool no_special = false;
  bool chat = false;
};

/// -d, for commands that take any dictionary of the model.
inline FieldInfo dictionary_field() {
  return {.name = "dictionary",
          .help =
              "the dictionary: a folder or file, or org/name in the Hugging Face cache "
              "(default: the specimen's)",
          .letter = 'd',
          .value = "DICTIONARY"};
}

/// -k, for commands that take any dictionary.
inline FieldInfo k_field() {
  return {.name = "k",
          .help = "features a token, for dictionaries whose files do not say",
          .letter = 'k',
          .min = 1};
}

/// --trust, for commands that use a dictionary with a model.
inline FieldInfo trust_field() {
  return {.name = "trust", .help = "do not check that the dictionary fits the model"};
}

/// Which model, and how its ids are named.
template <typename Options>
FieldTable<Options> tokenizer_fields() {
  return {
      {{.name = "model",
        .help = "the model: a folder, a .gguf file, or org/name in the Hugging Face cache "
                "(default: the specimen)",
        .letter = 'm',
        .value = "MODEL"},
       &Options::model},
      {{.name = "vocab",
        .help = "names of the ids of a model without tokenizer (a JSON list or map)",
        .value = "FILE"},
       &Options::vocab},
  };
}

/// The same, and how to run it.
template <typename Options>
FieldTable<Options> model_fields() {
  auto out = tokenizer_fields<Options>();
  append<Options>(
      out,
      {
          {{.name = "device",
            .help = "where to compute: cpu, ref (slow, exact) or cuda",
            .value = "DEVICE",
            .choices = {"cpu", "ref", "cuda"}},
           &Options::device},
          {{.name = "precision",
            .help = "how to multiply: f32, bf16, bf16x2 or bf16x3 (default: bf16x2 for bf16 files, "
                    "else f32)",
            .value = "NAME",
            .choices = {"f32", "bf16", "bf16x2", "bf16x3"}},
           &Options::precision},
          {{.name = "threads",
            .help = "threads to compute with (default: all cores)",
            .letter = 't',
            .min = 1,
            .max = 1024},
           &Options::threads},
      });
  return out;
}

template <typename Options>
FieldTable<Options> input_fields() {
  return {
      {{.name = "prompt",
        .help = "the text ('-': read it from standard input)",
        .value = "PROMPT",
        .positional = true},
       &Options::text},
      {{.name = "ids",
        .help = "token ids instead of text; nothing is added to them",
        .value = "1,2,3"},
       &Options::ids},
      {{.name = "no_special", .help = "add no special tokens (such as BOS) to the text"},
       &Options::no_special},
      {{.name = "chat", .help = "put the text into the model's chat template, as a user's message"},
       &Options::chat},
  };
}

}  // namespace cajal
