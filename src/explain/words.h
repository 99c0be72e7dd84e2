// Words of a prompt: tokens joined as they are read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cajal {

struct PromptWord {
  std::uint32_t first = 0;  // token
  std::uint32_t last = 0;
  std::string text;  // without surrounding blanks, unless it is nothing else
};

/// Every token is in one word. A token goes on with the word before it if both are letters or both
/// digits where they meet, in a script that has blanks between words, or if a character's bytes are
/// cut in two there. Special tokens ("<bos>") stand for themselves.
std::vector<PromptWord> words_of(std::span<const std::string> tokens);

}  // namespace cajal
