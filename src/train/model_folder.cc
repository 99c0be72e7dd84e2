#include "train/model_folder.h"

#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "io/safetensors_writer.h"

namespace cajal {
namespace {

void write_json(const std::filesystem::path& path, const Json& json) {
  write_file(path, json.dump(2) + "\n");
}

void write_weights(const std::filesystem::path& path, DType stored, const Parameters& values) {
  std::vector<Matrix> converted;
  std::vector<NamedMatrix> tensors;
  for (std::size_t i = 0; i < values.specs().size(); ++i) {
    const ConstMatRef value = values.at(i);
    converted.push_back(Matrix::host(value.rows, value.cols, stored));
    convert(value, converted.back().ref());
    tensors.push_back(
        {values.specs()[i].name, std::as_const(converted.back()).ref(), values.specs()[i].shape});
  }
  write_safetensors(path, tensors, {{"format", "pt"}});  // transformers refuses a file without it
}

Json tokenizer_config(const ModelFolder& contents) {
  Json out = Json::object({{"tokenizer_class", "PreTrainedTokenizerFast"},
                           {"bos_token", contents.bos},
                           {"eos_token", contents.eos},
                           {"pad_token", contents.pad},
                           {"model_max_length", contents.architecture.context},
                           {"clean_up_tokenization_spaces", false}});
  if (!contents.chat_template.empty()) {
    out.set("chat_template", contents.chat_template);
  }
  return out;
}

Json generation_config(const ModelFolder& contents) {
  Json out = Json::object({});
  const Architecture& a = contents.architecture;
  if (a.bos) {
    out.set("bos_token_id", *a.bos);
  }
  if (a.pad) {
    out.set("pad_token_id", *a.pad);
  }
  out.set("eos_token_id", Json::array_of(contents.stop));
  return out;
}

}  // namespace

const std::string kHumanAssistantTemplate =
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'Human: ' + message['content'] + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] | trim + '\\n' "
    "}}"
    "{% else %}{{ message['content'] + '\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    fail(ErrorCode::InvalidArgument, "{}: cannot make this folder: {}", folder.string(),
         error.message());
  }
}

void write_model_folder(const std::filesystem::path& folder, const ModelFolder& contents,
                        const Parameters& values) {
  make_folder(folder);
  remove_left_overs(folder);
  write_json(folder / "config.json", config_json(contents.architecture));
  write_weights(folder / "model.safetensors", contents.architecture.stored, values);
  if (!contents.tokenizer.is_null()) {
    write_json(folder / "tokenizer.json", contents.tokenizer);
    write_json(folder / "tokenizer_config.json", tokenizer_config(contents));
  }
  write_json(folder / "generation_config.json", generation_config(contents));
}

}  // namespace cajal
