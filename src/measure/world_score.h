// How much of the world a model knows: the share of questions that its greedy continuation answers,
// for each task, kind of question and split.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "corpus/world/task.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace cajal {

/// A model, and what it takes to ask it.
struct Asked {
  Backend& backend;
  const Model& model;
  const Tokenizer& tokenizer;
  Precision precision = Precision::F32;
  const PointSet* points = nullptr;  // what to change inside while it answers
};

struct WorldScoreOptions {
  /// Empty: the kinds of question that a task has an aim for, and all that is held out.
  std::optional<Split> split;
  std::size_t questions = 0;  // at most so many of each kind and split; 0: all
  std::uint64_t seed = 0;     // chooses them
  std::size_t misses = 3;     // to keep of each kind
  std::vector<TokenId> stop;  // ids that end an answer
  std::stop_token cancel;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

struct Miss {
  std::string prompt;
  std::string answer;
  std::string said;
};

struct KindScore {
  std::string task;
  std::string kind;
  Split split = Split::Heldout;
  std::size_t right = 0;
  std::size_t n = 0;
  std::size_t too_long = 0;           // of n: questions beyond the context, which count as wrong
  std::optional<double> threshold{};  // what the task aims at
  std::vector<Miss> misses{};         // the first few

  double score() const {
    return n == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(n);
  }
  bool passed() const { return !threshold || score() >= *threshold; }
};

/// Bytes of a continuation that decide whether it answers the question.
std::size_t wanted_bytes(const Question& question);

/// Which `count` of `total` things are looked at (0: all), in ascending order: a random choice that
/// depends on its arguments alone.
std::vector<std::size_t> chosen(std::size_t total, std::size_t count, std::uint64_t seed,
                                std::string_view stream);

/// By task, in the order given, then kind in the order of the questions, held-out first. Prompts
/// get what the tokenizer adds to any text. Throws what greedy_continuations throws.
std::vector<KindScore> score_world(const Asked& asked, std::span<const Task* const> tasks,
                                   const WorldScoreOptions& options = {});

}  // namespace cajal
