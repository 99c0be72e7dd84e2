// The greedy continuations of many short prompts.
//
// generate() of model/ takes one batch of any kind; this takes any number of prompts that each want
// a few bytes, and puts those of like length into a batch.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "model/model.h"
#include "text/tokenizer.h"

namespace cajal {

struct ShortPrompt {
  std::vector<TokenId> ids;  // not empty
  std::size_t bytes = 0;     // how much of the continuation is wanted
};

struct ContinuationOptions {
  Precision precision = Precision::F32;
  const PointSet* points = nullptr;  // what to read and change in every forward pass
  std::vector<TokenId> stop;         // ids that end a continuation, and are no part of it
  std::stop_token cancel;
  std::function<void(std::size_t done)> progress;  // prompts, after each batch
};

/// [prompts] what the model's most likely tokens spell, each at least `bytes` long unless a stop
/// id, the end of the context or `bytes` tokens came first; a prompt longer than the context has
/// none. Throws Cancelled between tokens, and what forward and sample_token throw.
std::vector<std::string> greedy_continuations(Backend& backend, const Model& model,
                                              const Tokenizer& tokenizer,
                                              std::span<const ShortPrompt> prompts,
                                              const ContinuationOptions& options = {});

}  // namespace cajal
