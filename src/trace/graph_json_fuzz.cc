#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "trace/graph_json.h"
#include "trace/influence.h"

/// What can be read has influences and scores, or an error that says why not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const cajal::GraphFile file = cajal::parse_graph_json(cajal::Json::parse(text, "fuzz"), "fuzz");
    cajal::graph_scores(file.graph(), file.weights());
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
