// A grown model as a plain Hugging Face folder, which this program and any other loads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/json.h"
#include "model/architecture.h"
#include "model/parameters.h"

namespace cajal {

/// "Human: …\nAssistant: …\n" after <bos>; of a question at the end, up to "Assistant:".
extern const std::string kHumanAssistantTemplate;

struct ModelFolder {
  Architecture architecture;  // also says how the weights are stored
  Json tokenizer;             // tokenizer.json; null: the model has none
  std::string bos;            // names of special tokens
  std::string eos;
  std::string pad;
  std::string chat_template;  // empty: none
  std::vector<TokenId> stop;  // ids that end a generated text
};

/// Makes a folder and those above it. Throws InvalidArgument naming the path and the reason.
void make_folder(const std::filesystem::path& folder);

/// Writes config.json, model.safetensors, tokenizer.json, tokenizer_config.json and
/// generation_config.json, each as a whole; makes the folder if need be. Throws ResourceExhausted
/// on a full disk.
void write_model_folder(const std::filesystem::path& folder, const ModelFolder& contents,
                        const Parameters& values);

}  // namespace cajal
