#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "trace/graph_json.h"

namespace cajal {
namespace {

constexpr std::uint64_t kLargestAxis = 10'000'000;   // of positions, features
constexpr std::uint64_t kMostLayers = 1000;          // a layer costs a column for each position
constexpr std::uint64_t kLargestRows = 1ULL << 29U;  // elements of all rows
constexpr std::uint64_t kLegacyFactor = 100'000;     // layer * this + feature, before schema 1

/// A node with its place in the graph once all are known.
struct Placed {
  GraphFileNode node;
  std::size_t index = 0;
};

class GraphReader {
 public:
  GraphReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  GraphFile run() {
    read_metadata();
    for (const Json& node : json_.at("nodes", where_).as_array(where_ + ": nodes")) {
      read_node(node);
    }
    place_nodes();
    read_links();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void corrupt(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::CorruptData, "{}: {}", where_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  void read_metadata() {
    out_.metadata = json_.at("metadata", where_);
    out_.query = json_.at("qParams", where_);
    for (const char* name : {"slug", "scan", "prompt_tokens", "prompt"}) {
      out_.metadata.at(name, where_ + ": metadata");
    }
    const std::string place = where_ + ": metadata.prompt_tokens";
    for (const Json& token : out_.metadata.at("prompt_tokens", where_).as_array(place)) {
      out_.prompt_tokens.push_back(token.as_string(place));
    }
    const Json* version = out_.metadata.find_value("schema_version");
    paired_ = version != nullptr && version->as_int(where_ + ": metadata.schema_version") >= 1;
  }

  std::uint32_t axis(const Json& node, const char* name) const {
    const std::int64_t x = node.at(name, where_ + ": nodes").as_int(where_ + ": nodes." + name);
    if (x < 0 || static_cast<std::uint64_t>(x) > kLargestAxis) {
      corrupt("a node's {} is {}", name, x);
    }
    return static_cast<std::uint32_t>(x);
  }
  /// A layer is text or a number; "E" and the like are not asked for.
  std::uint32_t layer_of(const Json& node) const {
    const Json& layer = node.at("layer", where_ + ": nodes");
    if (!layer.is_string()) {
      return axis(node, "layer");
    }
    const std::string& text = layer.as_string(where_);
    std::uint32_t out = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || out > kLargestAxis) {
      corrupt("a node's layer is '{}', not a number", text);
    }
    return out;
  }

  void read_node(const Json& json) {
    GraphFileNode node;
    node.id = json.at("node_id", where_ + ": nodes").as_string(where_ + ": nodes.node_id");
    const std::string& type =
        json.at("feature_type", where_ + ": nodes").as_string(where_ + ": nodes.feature_type");
    node.position = axis(json, "ctx_idx");
    if (node.position >= out_.prompt_tokens.size()) {
      corrupt("node '{}' stands at position {}, but there are {} prompt_tokens", node.id,
              node.position, out_.prompt_tokens.size());
    }
    const Json* label = json.find_value("clerp");
    node.label = label == nullptr ? "" : label->as_string(where_ + ": nodes.clerp");
    read_numbers(json, node);
    if (type == "cross layer transcoder" || type == "transcoder") {
      read_feature(json, node);
    } else if (type == "mlp reconstruction error") {
      node.kind = NodeKind::Error;
      node.layer = layer_of(json);
    } else if (type == "embedding") {
      node.kind = NodeKind::Embedding;
      read_token(node);
    } else if (type == "logit") {
      node.kind = NodeKind::Target;
      node.layer = layer_of(json);
      node.feature = axis(json, "feature");
    } else {
      fail(ErrorCode::Unsupported, "{}: node '{}' is of type '{}', which is not known here", where_,
           node.id, type);
    }
    nodes_.push_back({std::move(node)});
  }

  /// "E_{token}_{position}"; other ids say nothing.
  void read_token(const GraphFileNode& node) {
    out_.token_ids.resize(out_.prompt_tokens.size());
    std::uint32_t token = 0;
    const char* end = node.id.data() + node.id.size();
    const bool named = node.id.starts_with("E_");
    const auto read = named ? std::from_chars(node.id.data() + 2, end, token)
                            : std::from_chars_result{end, std::errc::invalid_argument};
    if (read.ec == std::errc() && fmt::format("E_{}_{}", token, node.position) == node.id) {
      out_.token_ids[node.position] = token;
    }
  }

  void read_numbers(const Json& json, GraphFileNode& node) const {
    const auto number = [&](const char* name) -> std::optional<double> {
      const Json* x = json.find_value(name);
      return x == nullptr ? std::nullopt : std::optional(x->as_double(where_ + ": nodes"));
    };
    node.influence = number("influence");
    node.activation = number("activation");
    node.weight = number("token_prob").value_or(0.0);
  }

  void read_feature(const Json& json, GraphFileNode& node) const {
    node.layer = layer_of(json);
    const std::int64_t index =
        json.at("feature", where_ + ": nodes").as_int(where_ + ": nodes.feature");
    if (index < 0) {
      corrupt("feature node '{}' has the index {}", node.id, index);
    }
    const auto number = static_cast<std::uint64_t>(index);
    const auto [layer, feature] = paired_
                                      ? unpaired_index(number)
                                      : std::pair(number / kLegacyFactor, number % kLegacyFactor);
    if (layer != node.layer || feature > UINT32_MAX) {
      corrupt("feature node '{}' is of layer {}, but its index {} of layer {}", node.id, node.layer,
              index, layer);
    }
    node.feature = static_cast<std::uint32_t>(feature);
  }

  void place_nodes() {
    std::size_t layers = 0;
    for (const Placed& p : nodes_) {
      const bool inside = p.node.kind == NodeKind::Feature || p.node.kind == NodeKind::Error;
      layers = std::max<std::size_t>(layers, inside ? p.node.layer + 1 : 0);
      if (p.node.kind == NodeKind::Target && p.node.layer > 0) {  // it stands two above the last
        layers = std::max<std::size_t>(layers, p.node.layer - 1);
      }
    }
    std::vector<Placed*> features;
    for (Placed& p : nodes_) {
      if (p.node.kind == NodeKind::Feature) {
        features.push_back(&p);
      } else if (p.node.kind == NodeKind::Target) {
        out_.targets.push_back(p.node);
      }
    }
    std::stable_sort(features.begin(), features.end(), [](const Placed* a, const Placed* b) {
      return std::tuple(a->node.layer, a->node.position, a->node.feature) <
             std::tuple(b->node.layer, b->node.position, b->node.feature);
    });
    out_.counts = {features.size(), layers, out_.prompt_tokens.size(), out_.targets.size()};
    check_size();
    for (std::size_t i = 0; i < features.size(); ++i) {
      features[i]->index = i;
      out_.features.push_back(features[i]->node);
    }
    std::size_t targets = 0;
    for (Placed& p : nodes_) {
      if (p.node.kind == NodeKind::Error) {
        p.index = out_.counts.error(p.node.layer, p.node.position);
      } else if (p.node.kind == NodeKind::Embedding) {
        p.index = out_.counts.embedding(p.node.position);
      } else if (p.node.kind == NodeKind::Target) {
        p.index = out_.counts.target(targets++);
      }
    }
    name_nodes();
  }

  void check_size() const {
    const NodeCounts& c = out_.counts;
    if (c.layers > kMostLayers || c.layers * c.positions > kLargestRows ||
        (c.features + c.targets) * c.sources() > kLargestRows) {
      corrupt("{} features, {} layers and {} positions are too many for a graph", c.features,
              c.layers, c.positions);
    }
  }

  void name_nodes() {
    std::size_t shared = 0;
    for (const Placed& p : nodes_) {
      const auto [at, fresh] = by_id_.emplace(p.node.id, p.index);
      if (fresh) {
        continue;
      }
      const bool errors = p.node.kind == NodeKind::Error || at->second >= out_.counts.features;
      if (!errors) {
        corrupt("there are two nodes '{}'", p.node.id);
      }
      at->second = std::min(at->second, p.index);  // links are taken for the feature's
      ++shared;
    }
    if (shared != 0) {
      out_.notes.push_back(fmt::format(
          "{} errors have the id of a feature in the first layer: their links count as its own",
          shared));
    }
  }

  std::size_t node_at(const Json& link, const char* name) const {
    const std::string& id = link.at(name, where_ + ": links").as_string(where_ + ": links");
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
      corrupt("a link's {} is '{}', but there is no such node", name, id);
    }
    return found->second;
  }

  void read_links() {
    const NodeCounts& c = out_.counts;
    out_.rows = Matrix::host(c.features + c.targets, c.sources(), DType::F32);
    const auto rows = out_.rows.as<float>();
    std::fill_n(rows.data, rows.rows * rows.cols, 0.0F);
    for (const Json& link : json_.at("links", where_).as_array(where_ + ": links")) {
      const std::size_t source = node_at(link, "source");
      const std::size_t target = node_at(link, "target");
      const bool has_row = target < c.features || target >= c.sources();
      const bool forward = target >= c.sources() || source >= c.features || source < target;
      if (source >= c.sources() || !has_row || !forward) {
        corrupt("a link runs from '{}' to '{}', against the order of layers",
                link.at("source", "").as_string(""), link.at("target", "").as_string(""));
      }
      rows.at(row_of(c, target), source) += static_cast<float>(
          link.at("weight", where_ + ": links").as_double(where_ + ": links.weight"));
    }
  }

  const Json& json_;
  std::string where_;
  bool paired_ = false;
  std::vector<Placed> nodes_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
  GraphFile out_;
};

}  // namespace

std::vector<double> GraphFile::weights() const {
  std::vector<double> out;
  out.reserve(targets.size());
  for (const GraphFileNode& target : targets) {
    out.push_back(target.weight);
  }
  return out;
}

GraphFile parse_graph_json(const Json& json, const std::string& where) {
  return GraphReader(json, where).run();
}

GraphFile load_graph_json(const std::filesystem::path& path) {
  return parse_graph_json(Json::load(path), path.string());
}

}  // namespace cajal
