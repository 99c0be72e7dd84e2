#include "trace/raw_graph.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"

namespace cajal {
namespace {

/// A matrix of one row over a vector's elements.
template <typename T>
ConstMatRef row_of_values(const std::vector<T>& values) {
  return {reinterpret_cast<const std::byte*>(values.data()), 1, values.size(), values.size(),
          dtype_of<T>()};
}

template <typename To, typename From>
std::vector<To> cast(const std::vector<From>& values) {
  std::vector<To> out;
  out.reserve(values.size());
  for (const From value : values) {
    out.push_back(static_cast<To>(value));
  }
  return out;
}

/// The tensors that are not the adjacency, by name.
struct Vectors {
  explicit Vectors(const AttributionGraph& graph) {
    for (const ActiveFeature& f : graph.active) {
      active.insert(active.end(),
                    {static_cast<std::int32_t>(f.layer), static_cast<std::int32_t>(f.position),
                     static_cast<std::int32_t>(f.feature)});
      activations.push_back(f.activation);
    }
    selected = cast<std::int32_t>(graph.selected);
    order = cast<std::int32_t>(graph.order);
    tokens = cast<std::int64_t>(graph.tokens);
    values = cast<float>(graph.values);
    biases = cast<float>(graph.biases);
    for (const GraphTarget& target : graph.targets) {
      weights.push_back(static_cast<float>(target.weight));
      target_tokens.push_back(static_cast<std::int32_t>(target.token));
      target_positions.push_back(static_cast<std::int32_t>(target.position));
    }
  }
  std::vector<std::int64_t> tokens;
  std::vector<std::int32_t> active;
  std::vector<float> activations;
  std::vector<std::int32_t> selected;
  std::vector<std::int32_t> order;
  std::vector<float> values;
  std::vector<float> biases;
  std::vector<float> weights;
  std::vector<std::int32_t> target_tokens;
  std::vector<std::int32_t> target_positions;
};

std::vector<TensorSpec> specs(const AttributionGraph& graph) {
  const std::size_t n = graph.active.size();
  const std::size_t rows = graph.rows.rows();
  const std::size_t k = graph.targets.size();
  const NodeCounts& c = graph.counts;
  return {{"tokens", DType::I64, {graph.tokens.size()}},
          {"active_features", DType::I32, {n, 3}},
          {"activation_values", DType::F32, {n}},
          {"selected_features", DType::I32, {c.features}},
          {"selection_order", DType::I32, {graph.order.size()}},
          {"logit_probabilities", DType::F32, {k}},
          {"target_tokens", DType::I32, {k}},
          {"target_positions", DType::I32, {k}},
          {"adjacency", DType::F32, {c.nodes(), c.nodes()}},
          {"row_constants", DType::F32, {rows, kRowConstants}},
          {"row_values", DType::F32, {rows}},
          {"row_biases", DType::F32, {rows}},
          {"unselected", DType::F32, {rows, c.layers * c.positions}}};
}

/// Errors and embeddings have rows of 0, targets columns of 0.
void write_adjacency(SafetensorsWriter& writer, const AttributionGraph& graph) {
  const NodeCounts& c = graph.counts;
  const std::vector<float> nothing(c.nodes(), 0.0F);
  std::vector<float> row(c.nodes(), 0.0F);
  for (std::size_t node = 0; node < c.nodes(); ++node) {
    if (node >= c.features && node < c.sources()) {
      writer.write("adjacency", row_of_values(nothing));
      continue;
    }
    const auto from = graph.rows.as<float>().row(row_of(c, node)).first(c.sources());
    std::copy(from.begin(), from.end(), row.begin());
    writer.write("adjacency", row_of_values(row));
  }
}

void write_tensor(SafetensorsWriter& writer, const std::string& name, const Vectors& v,
                  const AttributionGraph& graph) {
  if (name == "adjacency") {
    write_adjacency(writer, graph);
  } else if (name == "row_constants") {
    writer.write(name, graph.rows.ref().col_range(graph.counts.sources(), kRowConstants));
  } else if (name == "unselected") {
    writer.write(name, graph.unselected.ref());
  } else if (name == "tokens") {
    writer.write(name, row_of_values(v.tokens));
  } else if (name == "active_features") {
    writer.write(name, row_of_values(v.active));
  } else if (name == "selected_features") {
    writer.write(name, row_of_values(v.selected));
  } else if (name == "selection_order") {
    writer.write(name, row_of_values(v.order));
  } else if (name == "target_tokens") {
    writer.write(name, row_of_values(v.target_tokens));
  } else if (name == "target_positions") {
    writer.write(name, row_of_values(v.target_positions));
  } else {
    writer.write(name, row_of_values(name == "activation_values" ? v.activations
                                     : name == "row_values"      ? v.values
                                     : name == "row_biases"      ? v.biases
                                                                 : v.weights));
  }
}

/// Reads one file.
class RawGraphReader {
 public:
  explicit RawGraphReader(std::shared_ptr<const Safetensors> file) : file_(std::move(file)) {}

  RawGraph run() {
    RawGraph out;
    AttributionGraph& g = out.graph;
    g.tokens = list<TokenId>("tokens");
    g.active = active();
    g.selected = list<std::uint32_t>("selected_features");
    g.order = has("selection_order") ? list<std::uint32_t>("selection_order") : g.selected;
    read_about(out);
    read_targets(out.about, g);
    read_counts(g);
    read_rows(g);
    return out;
  }

 private:
  bool has(std::string_view name) const { return file_->find(name) != nullptr; }
  template <typename... Args>
  void require(bool condition, std::string_view tensor, fmt::format_string<Args...> format,
               Args&&... args) const {
    if (!condition) {
      fail(ErrorCode::CorruptData, "{}: tensor '{}' {}", file_->name(), tensor,
           fmt::format(format, std::forward<Args>(args)...));
    }
  }

  /// Elements of a tensor of any shape, each of which must be one of T's.
  template <typename T>
  std::vector<T> list(const std::string& name) const {
    const ConstMatRef m = as_matrix(file_->at(name));
    std::vector<T> out;
    for (std::size_t r = 0; r < m.rows; ++r) {
      for (std::size_t c = 0; c < m.cols; ++c) {
        const double x = element(m, r, c);
        if constexpr (std::is_integral_v<T>) {
          require(x >= 0 && x <= static_cast<double>(INT32_MAX), name, "holds {}", x);
        }
        out.push_back(static_cast<T>(x));
      }
    }
    return out;
  }

  std::vector<ActiveFeature> active() const {
    const auto places = list<std::uint32_t>("active_features");
    const auto values = list<float>("activation_values");
    require(places.size() == 3 * values.size(), "active_features",
            "has {} numbers for {} activation_values", places.size(), values.size());
    std::vector<ActiveFeature> out;
    out.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      out.push_back({places[3 * i], places[3 * i + 1], places[3 * i + 2], values[i]});
    }
    return out;
  }

  void read_about(RawGraph& out) const {
    for (const auto& [key, value] : file_->metadata()) {
      if (key == "cajal") {
        out.about = Json::parse(value, file_->name() + ": metadata");
      }
    }
    if (const Json* vocab = out.about.find_value("vocab_size")) {
      const std::int64_t size = vocab->as_int(file_->name() + ": vocab_size");
      out.graph.vocab = size < 0 ? 0 : static_cast<std::size_t>(size);
    }
    for (const auto& [key, number] :
         {std::pair{"largest_row_residual", &out.graph.largest_residual},
          std::pair{"unexpanded_influence", &out.graph.unexpanded}}) {
      if (const Json* value = out.about.find_value(key)) {
        *number = value->as_double(file_->name() + ": " + key);
      }
    }
  }

  void read_targets(const Json& about, AttributionGraph& g) const {
    const auto weights = list<double>("logit_probabilities");
    g.targets.resize(weights.size());
    const auto tokens = has("target_tokens") ? list<std::uint32_t>("target_tokens")
                                             : std::vector<std::uint32_t>(weights.size());
    const auto positions =
        has("target_positions")
            ? list<std::uint32_t>("target_positions")
            : std::vector<std::uint32_t>(weights.size(),
                                         static_cast<std::uint32_t>(g.tokens.size() - 1));
    require(tokens.size() == weights.size() && positions.size() == weights.size(),
            "logit_probabilities", "has {} entries, target_tokens {}, target_positions {}",
            weights.size(), tokens.size(), positions.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      g.targets[i] = {tokens[i], positions[i], weights[i], {}};
    }
    if (const Json* labels = about.find_value("target_labels")) {
      const std::string where = file_->name() + ": target_labels";
      const Json::Array& texts = labels->as_array(where);
      for (std::size_t i = 0; i < std::min(texts.size(), weights.size()); ++i) {
        g.targets[i].label = texts[i].as_string(where);
      }
    }
  }

  void read_counts(AttributionGraph& g) const {
    const std::size_t nodes = as_matrix(file_->at("adjacency")).cols;
    const std::size_t positions = g.tokens.size();
    const std::size_t others = g.selected.size() + positions + g.targets.size();
    require(positions != 0 && nodes >= others && (nodes - others) % positions == 0, "adjacency",
            "is of {} nodes, which {} features, {} positions and {} targets do not make", nodes,
            g.selected.size(), positions, g.targets.size());
    g.counts = {g.selected.size(), (nodes - others) / positions, positions, g.targets.size()};
    const auto fall =
        std::adjacent_find(g.selected.begin(), g.selected.end(), std::greater_equal<>());
    require(fall == g.selected.end(), "selected_features", "does not ascend");
    for (const std::uint32_t f : g.selected) {
      require(f < g.active.size(), "selected_features", "names feature {} of {}", f,
              g.active.size());
    }
    for (const std::uint32_t f : g.order) {
      require(f < g.active.size(), "selection_order", "names feature {} of {}", f, g.active.size());
    }
    for (const GraphTarget& target : g.targets) {
      require(target.position < positions, "target_positions", "holds {}, but there are {} tokens",
              target.position, positions);
    }
    for (const ActiveFeature& f : g.active) {
      require(f.layer < g.counts.layers && f.position < positions, "active_features",
              "has layer {} and position {}; there are {} and {}", f.layer, f.position,
              g.counts.layers, positions);
    }
  }

  ConstMatRef shaped(std::string_view name, std::size_t rows, std::size_t cols) const {
    const ConstMatRef m = as_matrix(file_->at(name));
    require(m.rows == rows && m.cols == cols && m.dtype == DType::F32, name,
            "is [{}, {}] of {}; expected [{}, {}] of F32", m.rows, m.cols, name_of(m.dtype), rows,
            cols);
    return m;
  }
  static void copy_or_clear(std::optional<ConstMatRef> from, MatRef to) {
    if (from) {
      convert(*from, to);
      return;
    }
    for (std::size_t r = 0; r < to.rows; ++r) {
      std::fill_n(to.as<float>().row(r).data(), to.cols, 0.0F);
    }
  }

  void read_rows(AttributionGraph& g) const {
    const NodeCounts& c = g.counts;
    const std::size_t count = c.features + c.targets;
    const ConstMatRef square = shaped("adjacency", c.nodes(), c.nodes());
    g.rows = Matrix::host(count, c.sources() + kRowConstants, DType::F32);
    const std::vector<std::uint32_t> nodes = row_nodes(c);
    for (std::size_t r = 0; r < count; ++r) {
      convert(square.row_range(nodes[r], 1).col_range(0, c.sources()),
              g.rows.ref().row_range(r, 1).col_range(0, c.sources()));
    }
    const auto own = [&](std::string_view name, std::size_t cols) {
      return has(name) ? std::optional(shaped(name, count, cols)) : std::nullopt;
    };
    copy_or_clear(own("row_constants", kRowConstants),
                  g.rows.ref().col_range(c.sources(), kRowConstants));
    g.unselected = Matrix::host(count, c.layers * c.positions, DType::F32);
    copy_or_clear(own("unselected", c.layers * c.positions), g.unselected.ref());
    g.values = has("row_values") ? list<double>("row_values") : std::vector<double>(count, 0.0);
    g.biases = has("row_biases") ? list<double>("row_biases") : std::vector<double>(count, 0.0);
    require(g.values.size() == count && g.biases.size() == count, "row_values",
            "has {} entries and row_biases {}, but there are {} rows", g.values.size(),
            g.biases.size(), count);
  }

  std::shared_ptr<const Safetensors> file_;
};

}  // namespace

void write_raw_graph(const std::filesystem::path& path, const AttributionGraph& graph,
                     const Json& about) {
  Json text = about.is_object() ? about : Json::object({});
  text.set("vocab_size", std::uint64_t{graph.vocab});
  text.set("largest_row_residual", graph.largest_residual);
  text.set("unexpanded_influence", graph.unexpanded);
  Json::Array labels;
  for (const GraphTarget& target : graph.targets) {
    labels.emplace_back(target.label);
  }
  text.set("target_labels", std::move(labels));
  const Vectors vectors(graph);
  SafetensorsWriter writer(path, specs(graph), {{"cajal", text.dump()}});
  std::vector<std::string> names;
  for (const TensorSpec& spec : writer.order()) {
    names.push_back(spec.name);
  }
  for (const std::string& name : names) {
    write_tensor(writer, name, vectors, graph);
  }
  writer.commit();
}

RawGraph read_raw_graph(const std::filesystem::path& path) {
  return read_raw_graph(Safetensors::open(path));
}

RawGraph read_raw_graph(std::shared_ptr<const Safetensors> file) {
  return RawGraphReader(std::move(file)).run();
}

}  // namespace cajal
