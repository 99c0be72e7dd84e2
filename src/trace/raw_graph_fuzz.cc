#include <cstdint>
#include <span>

#include "base/error.h"
#include "trace/graph_json.h"
#include "trace/influence.h"
#include "trace/raw_graph.h"

namespace {

/// What can be read has scores and can be written as JSON, or an error says why not.
void read_all(std::span<const std::byte> bytes) {
  const cajal::RawGraph raw = cajal::read_raw_graph(cajal::Safetensors::parse(bytes, "fuzz"));
  const cajal::AttributionGraph& graph = raw.graph;
  cajal::graph_scores(graph.graph(), graph.weights());
  cajal::graph_json(graph, {.slug = "fuzz",
                            .scan = "fuzz",
                            .prompt = "fuzz",
                            .prompt_tokens = std::vector<std::string>(graph.tokens.size(), "a")});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_all(std::as_bytes(std::span(data, size)));
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
