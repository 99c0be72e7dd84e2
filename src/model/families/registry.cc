// The table of families: a new one is its own file and one line here.
#include <vector>

#include "base/error.h"
#include "model/families/family.h"

namespace cajal {

std::span<const Family> families() {
  static const std::vector<Family> all = {
      cohere_family(),    cohere2_family(),     gemma_family(),     gemma2_family(),
      gemma3_family(),    gemma3_text_family(), glm4_family(),      gpt2_family(),
      gpt_neo_family(),   gpt_neox_family(),    gpt_oss_family(),   gptj_family(),
      granite_family(),   llama_family(),       mistral_family(),   mixtral_family(),
      nemotron_family(),  olmo_family(),        olmo2_family(),     olmo3_family(),
      opt_family(),       phi_family(),         phi3_family(),      qwen2_family(),
      qwen2_moe_family(), qwen3_family(),       qwen3_moe_family(), smollm3_family(),
      stablelm_family(),  starcoder2_family()};
  return all;
}

const Family& family_of(std::string_view model_type, std::string_view where) {
  std::string known;
  for (const Family& family : families()) {
    if (family.name == model_type) {
      return family;
    }
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  fail(ErrorCode::Unsupported, "{}: model_type '{}' is not supported; these are: {}", where,
       model_type.substr(0, 60), known);
}

}  // namespace cajal
