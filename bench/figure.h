// What a benchmark says: a number, the limit it was measured against in the same run, and whether
// the result that was timed is right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cajal::bench {

struct Figure {
  std::string name;  // "gpt2-small-f32/prefill_tokens_per_s"
  double value = 0.0;
  std::string unit;
  double limit = 0.0;    // in the same unit; 0: there is none
  std::string limit_is;  // what the limit is
  bool checked = false;  // the timed result was compared with another computation, and agreed
};

struct Options {
  std::string filter;         // only groups whose name contains it
  std::string model;          // a folder or GGUF to measure instead of the shapes made here
  std::string tokenizer;      // a tokenizer.json; empty: the tokenizer group is left out
  std::string text;           // the text for it
  std::size_t piece = 10000;  // bytes it is given at a time; 0: all at once
  std::string activations;    // a file to learn an SAE on instead
  std::string cache;          // a folder for made files that are kept; empty: a temporary one
  int rounds = 5;
  std::size_t rows = 0;  // of long prompts; 0: 500 and 1,000
};

/// Whether a group of figures is asked for; of no filter all are.
inline bool fits(std::string_view group, const Options& options) {
  return group.find(options.filter) != std::string_view::npos;
}

/// Makes models of two published shapes with random weights (in a folder that is removed again)
/// and measures them, or options.model.
std::vector<Figure> model_figures(const Options& options);
std::vector<Figure> tokenizer_figures(const Options& options);
/// Products, attention, loss and optimiser at the specimen's shapes; none unless the filter fits
/// "training".
std::vector<Figure> training_figures(const Options& options);
/// Whole steps of training at the specimen's shape; none unless the filter fits "training-step".
std::vector<Figure> step_figures(const Options& options);
/// Steps of learning a dictionary of 24,576 features; none unless the filter fits "dictionary". Of
/// a million features, in 11 GB, only if it is "dictionary-million".
std::vector<Figure> dictionary_figures(const Options& options);
/// Reading for an atlas beside plain encoding, of the specimen's transcoders on its world; none
/// unless the filter fits "atlas".
std::vector<Figure> atlas_figures(const Options& options);
/// Attribution graphs, of two prompts in two precisions ("trace") and of long ones
/// ("long-prompt-1024", "long-prompt-4096"), and how time grows with rows ("rows-are-linear"); none
/// unless the filter fits. Writes 2.4 GB into
/// options.cache where they are not there, for long prompts half a GB more.
std::vector<Figure> trace_figures(const Options& options);
/// A whole explanation of a prompt of 20 tokens on the specimen, in its phases and as a process;
/// none unless the filter fits "explain".
std::vector<Figure> explain_figures(const Options& options);

}  // namespace cajal::bench
