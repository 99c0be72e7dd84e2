// Surface forms: sentences with slots in braces, "the capital of {state} is {answer}.", filled with
// texts that know what they mean.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/document.h"

namespace cajal {

/// kind and value of a span to be.
using Meaning = std::pair<std::string, std::string>;

/// The same where it is about to be used, right before an answer; and where it is said. These are
/// kinds of their own, for who thinks a thing need not say it, and the other way round.
Meaning asked(Meaning meaning);
Meaning said(Meaning meaning);

struct Slot {
  std::string_view name;
  std::string text;
  std::vector<Meaning> meanings = {};  // spans over the slot's text, if it has one
  std::string before = {};             // written around the text; no part of what has the meaning
  std::string after = {};
};

/// Appends `text`, with spans of `meanings` over it unless it is empty.
void append(Document& document, std::string_view text, const std::vector<Meaning>& meanings = {});

/// Appends the form, each {name} replaced by the slot of that name. Returns the byte where the slot
/// "answer" begins, or npos without one. Throws Internal for a slot that is not given.
std::size_t append_form(Document& document, std::string_view form, const std::vector<Slot>& slots);

/// The first letter as a capital, if it is one of a to z.
std::string capitalised(std::string text);

}  // namespace cajal
