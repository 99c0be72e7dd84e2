#include "explain/chart/dot_layout.h"

#include <algorithm>
#include <graphviz/gvc.h>
#include <memory>
#include <mutex>
#include <string>

#include <fmt/format.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr double kPerInch = 72.0;

/// graphviz takes texts that it does not change as char*.
char* text(const char* constant) {
  return const_cast<char*>(constant);  // NOLINT(cppcoreguidelines-pro-type-const-cast): as said
}

void set_default(Agraph_t* graph, int kind, const char* name, const std::string& value) {
  agattr(graph, kind, text(name), text(value.c_str()));
}

void set(void* object, const char* name, const std::string& value) {
  agset(object, text(name), text(value.c_str()));
}

std::string inches(double pixels) {
  return fmt::format("{:.4f}", pixels / kPerInch);  // as C does, whatever the locale
}

/// Lives as long as the program: graphviz loads its plugins once.
GVC_t* context() {
  static GVC_t* const it = [] {
    agseterr(AGMAX);  // a library prints nothing
    return gvContext();
  }();
  return it;
}

struct GraphDeleter {
  void operator()(Agraph_t* graph) const noexcept {
    gvFreeLayout(context(), graph);
    agclose(graph);
  }
};
using Graph = std::unique_ptr<Agraph_t, GraphDeleter>;

Graph make_graph(double gap) {
  Graph out(agopen(text("chart"), Agdirected, nullptr));
  Agraph_t* const g = out.get();
  set_default(g, AGRAPH, "rankdir", "LR");
  set_default(g, AGRAPH, "splines", "false");
  set_default(g, AGRAPH, "nodesep", inches(gap));
  set_default(g, AGRAPH, "rank", "");
  set_default(g, AGNODE, "shape", "box");
  set_default(g, AGNODE, "label", "");
  set_default(g, AGNODE, "fixedsize", "true");
  set_default(g, AGNODE, "width", "1");
  set_default(g, AGNODE, "height", "0.5");
  set_default(g, AGEDGE, "weight", "1");
  return out;
}

std::vector<Agnode_t*> add_nodes(Agraph_t* g, std::span<const DotNode> nodes) {
  Agraph_t* const first = agsubg(g, text("first"), 1);
  Agraph_t* const last = agsubg(g, text("last"), 1);
  set(first, "rank", "source");
  set(last, "rank", "sink");
  std::vector<Agnode_t*> out;
  for (const DotNode& node : nodes) {
    Agnode_t* const n = agnode(g, nullptr, 1);
    set(n, "height", inches(node.height));
    if (node.rank != DotRank::Any) {
      agsubnode(node.rank == DotRank::First ? first : last, n, 1);
    }
    out.push_back(n);
  }
  return out;
}

}  // namespace

std::vector<DotPlace> place_with_dot(std::span<const DotNode> nodes, std::span<const DotEdge> edges,
                                     double gap) {
  static std::mutex one_at_a_time;  // graphviz keeps its state in globals
  const std::scoped_lock lock(one_at_a_time);
  const Graph graph = make_graph(gap);
  const std::vector<Agnode_t*> placed = add_nodes(graph.get(), nodes);
  for (const DotEdge& edge : edges) {
    Agedge_t* const e = agedge(graph.get(), placed.at(edge.from), placed.at(edge.to), nullptr, 1);
    set(e, "weight", fmt::format("{}", edge.weight));
  }
  if (nodes.empty()) {
    return {};
  }
  if (gvLayout(context(), graph.get(), "dot") != 0) {
    fail(ErrorCode::Unsupported,
         "graphviz cannot lay out the chart: its layout plugins are missing (Debian's libgvc6)");
  }
  std::vector<DotPlace> out;
  out.reserve(placed.size());
  double top = 0.0;
  for (Agnode_t* const n : placed) {
    top = std::max(top, ND_coord(n).y);
  }
  for (Agnode_t* const n : placed) {
    out.push_back({static_cast<std::size_t>(std::max(ND_rank(n), 0)), top - ND_coord(n).y});
  }
  return out;
}

}  // namespace cajal
