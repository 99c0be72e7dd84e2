#include "service/verify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "explain/ideas.h"
#include "service/target_token.h"

namespace cajal {
namespace {

constexpr std::size_t kFeatures = 20;     // that are tried where a graph has no groups
constexpr double kActivationError = 0.1;  // of an activation in the file

std::string hash_in(const GraphFile& file, std::string_view name) {
  const Json* own = file.metadata.find_value("cajal");
  const Json* hash = own == nullptr ? nullptr : own->find_value(name);
  return hash == nullptr || !hash->is_string() ? "" : hash->as_string("");
}

void check_same(const std::string& where, std::string_view what, const std::string& theirs,
                const std::string& ours, const std::string& flag) {
  check(theirs.empty() || ours.empty() || theirs == ours,
        "{}: the graph was made with another {} (hash {}) than the one given (hash {}); name the "
        "right one with {}",
        where, what, theirs, ours, flag);
}

/// A graph file on its model.
class GraphVerifier {
 public:
  GraphVerifier(Session& session, const VerifyRequest& request)
      : session_(session),
        request_(request),
        where_(*request.graph),
        file_(load_graph_json(where_)) {}

  VerifyOutcome run(const std::stop_token& cancel) {
    // before anything runs on the graph's tokens
    check_same(where_, "model", hash_in(file_, "model_hash"), session_.provenance().model_hash,
               "-m");
    out_.dictionary = open_dictionary_for(session_, request_.dictionary, load_options(request_.k),
                                          request_.trust, cancel, tokens());
    check_provenance();
    find_target();
    LocalReplacement replacement(*session_.backend, session_.model, out_.dictionary.dictionary,
                                 tokens(), {.precision = session_.precision});
    check_features(replacement);
    const GraphFlow flow = flow_of_file();
    const ClaimGround ground = {
        .backend = *session_.backend,
        .replacement = replacement,
        .flow = flow,
        .features = features_,
        .value = replacement.logit_target(out_.token, replacement.tokens().size() - 1)};
    out_.value = ground.value.value;
    find_groups(flow);
    Claims claims = {.groups = groups_, .edges = strongest_edges(flow, groups_)};
    ClaimTests tests =
        test_claims(ground, claims,
                    {.controls = request_.controls,
                     .seed = request_.seed,
                     .text = [this](TokenId id) { return text_of_token(session_, id); },
                     .cancel = cancel});
    for (std::size_t i = 0; i < tests.groups.size(); ++i) {
      out_.groups[i].test = std::move(tests.groups[i]);
    }
    for (std::size_t i = 0; i < tests.edges.size(); ++i) {
      out_.edges.push_back(
          {claims.edges[i].source, claims.edges[i].target, std::move(tests.edges[i])});
    }
    return std::move(out_);
  }

 private:
  void check_provenance() {
    const Provenance own = provenance_of(session_, request_, out_.dictionary);
    check_same(where_, "dictionary", hash_in(file_, "dictionary_hash"), own.dictionary_hash, "-d");
    check(file_.counts.layers <= session_.model->config().layers,
          "{}: the graph has {} layers, but the model {}: it is of another model", where_,
          file_.counts.layers, session_.model->config().layers);
    out_.notes = file_.notes;
    out_.prompt = file_.metadata.at("prompt", where_).as_string(where_);
  }

  /// The target with the largest weight.
  void find_target() {
    check(!file_.targets.empty(), "{}: the graph has no target", where_);
    const auto best = std::max_element(
        file_.targets.begin(), file_.targets.end(),
        [](const GraphFileNode& a, const GraphFileNode& b) { return a.weight < b.weight; });
    target_ = static_cast<std::size_t>(best - file_.targets.begin());
    if (best->feature >= session_.model->config().vocab) {
      fail(ErrorCode::Unsupported,
           "{}: the target '{}' is no token but a direction, which the file does not hold", where_,
           best->label);
    }
    check(
        best->position + 1 == file_.counts.positions,
        "{}: the target stands at position {}, but claims are tried on what follows the last one, "
        "{}",
        where_, best->position, file_.counts.positions - 1);
    out_.token = static_cast<TokenId>(best->feature);
    out_.target = text_of_token(session_, out_.token);
    note_pruning();
    if (file_.targets.size() > 1) {
      out_.notes.push_back(fmt::format("the graph has {} targets: claims are about the likeliest",
                                       file_.targets.size()));
    }
  }
  /// What is not in the file cannot be tried, and what went by way of it is not predicted.
  void note_pruning() {
    std::string thresholds;
    if (const Json* settings = file_.metadata.find_value("pruning_settings")) {
      for (const char* name : {"node_threshold", "edge_threshold"}) {
        const Json* value = settings->find_value(name);
        if (value != nullptr && value->is_number() && value->as_double(where_) < 1.0) {
          thresholds += fmt::format("{}{} {}", thresholds.empty() ? "" : ", ", name,
                                    value->as_double(where_));
        }
      }
    }
    if (!thresholds.empty()) {
      out_.notes.push_back(fmt::format(
          "the graph was pruned ({}): what was cut away cannot be verified, and effects by way of "
          "it are missing from what is predicted; cajal trace --node-threshold 1 --edge-threshold "
          "1 keeps all",
          thresholds));
    }
  }
  std::vector<double> target_weights() const {
    std::vector<double> out(file_.targets.size(), 0.0);
    out[target_] = 1.0;
    return out;
  }

  std::vector<TokenId> tokens() const {
    std::vector<TokenId> out;
    for (std::size_t p = 0; p < file_.counts.positions; ++p) {
      check(p < file_.token_ids.size() && file_.token_ids[p].has_value(),
            "{}: the file does not say which token stands at position {} (an embedding's id is "
            "E_TOKEN_POSITION)",
            where_, p);
      out.push_back(static_cast<TokenId>(*file_.token_ids[p]));
    }
    return out;
  }

  /// Features fire as the file says.
  void check_features(const LocalReplacement& replacement) {
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, double> fires;
    for (const ActiveFeature& f : replacement.features()) {
      fires[{f.layer, f.position, f.feature}] = static_cast<double>(f.activation);
    }
    for (const GraphFileNode& node : file_.features) {
      const auto at = fires.find({node.layer, node.position, node.feature});
      const double here = at == fires.end() ? 0.0 : at->second;
      const double there = node.activation.value_or(here);
      check(here != 0.0 && std::abs(here - there) <= kActivationError * std::abs(there),
            "{}: feature {}:{} fires at position {} with {:.4g} in the graph, but with {:.4g} in "
            "this model: the graph is of another model, dictionary or prompt",
            where_, node.layer, node.feature, node.position, there, here);
      features_.push_back({node.layer, node.position, node.feature, static_cast<float>(here)});
      activations_.push_back(here);
    }
  }

  GraphFlow flow_of_file() const {
    try {
      return {file_.counts, copy_of_rows(), target_weights(), activations_};
    } catch (const Error& error) {
      fail(error.code(), "{}: {}", where_, error.what());
    }
  }

  Matrix copy_of_rows() const {
    Matrix out = Matrix::host(file_.rows.rows(), file_.rows.cols(), file_.rows.dtype());
    convert(file_.rows.ref(), out.ref());
    return out;
  }

  std::optional<std::uint32_t> find_node(const std::string& id) const {
    for (std::size_t i = 0; i < file_.features.size(); ++i) {
      if (file_.features[i].id == id) {
        return static_cast<std::uint32_t>(i);
      }
    }
    for (std::size_t p = 0; p < file_.token_ids.size(); ++p) {
      if (file_.token_ids[p] && fmt::format("E_{}_{}", *file_.token_ids[p], p) == id) {
        return static_cast<std::uint32_t>(file_.counts.embedding(p));
      }
    }
    return std::nullopt;
  }

  std::uint32_t node_of(const std::string& id) const {
    const std::optional<std::uint32_t> node = find_node(id);
    if (!node) {
      fail(ErrorCode::NotFound, "{}: the graph has no feature and no word '{}'", where_, id);
    }
    return *node;
  }

  void add_group(std::string label, std::vector<std::uint32_t> nodes) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    VerifiedGroup& group = out_.groups.emplace_back();
    group.label = std::move(label);
    for (const std::uint32_t node : nodes) {
      if (node < file_.counts.features) {
        group.members.push_back(features_[node]);
      } else {
        group.words.push_back(node - static_cast<std::uint32_t>(file_.counts.embedding(0)));
      }
    }
    groups_.push_back(std::move(nodes));
  }

  void find_groups(const GraphFlow& flow) {
    for (const std::string& text : request_.group) {
      const NamedGroup group = named_group(text);
      std::vector<std::uint32_t> nodes;
      nodes.reserve(group.ids.size());
      for (const std::string& id : group.ids) {
        nodes.push_back(node_of(id));
      }
      add_group(group.label, std::move(nodes));
    }
    if (groups_.empty()) {
      take_supernodes();
      check(groups_.empty() || !request_.number,
            "{}: -n is how many features are tried where a graph has no groups, but this one has "
            "{}, which are tried: leave -n away",
            where_, groups_.size());
    }
    if (groups_.empty()) {
      take_strongest(flow);
    }
    check(!groups_.empty(), "{}: the graph has no feature that could be tried", where_);
  }

  /// Errors and targets, which a front end lets one pin, are left out.
  void take_supernodes() {
    for (const Supernode& supernode : supernodes_of(file_.query, where_)) {
      std::vector<std::uint32_t> nodes;
      for (const std::string& id : supernode.ids) {
        if (const std::optional<std::uint32_t> node = find_node(id)) {
          nodes.push_back(*node);
        }
      }
      if (!nodes.empty()) {
        add_group(supernode.label, std::move(nodes));
      }
    }
  }

  void take_strongest(const GraphFlow& flow) {
    std::vector<std::uint32_t> order(file_.counts.features);
    std::iota(order.begin(), order.end(), 0U);
    const auto effects = flow.node_effects();
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::abs(effects[a]) > std::abs(effects[b]);
    });
    order.resize(std::min(order.size(), request_.number.value_or(kFeatures)));
    for (const std::uint32_t node : order) {
      const GraphFileNode& own = file_.features[node];
      add_group(own.label.empty() ? fmt::format("{}:{}", own.layer, own.feature) : own.label,
                {node});
    }
  }

  Session& session_;
  const VerifyRequest& request_;
  std::string where_;
  GraphFile file_;
  std::size_t target_ = 0;
  std::vector<ActiveFeature> features_;
  std::vector<double> activations_;
  std::vector<std::vector<std::uint32_t>> groups_;
  VerifyOutcome out_;
};

}  // namespace

std::size_t VerifyOutcome::held() const noexcept {
  const auto is_held = [](const auto& one) { return one.test.claim.held(); };
  return static_cast<std::size_t>(std::count_if(groups.begin(), groups.end(), is_held) +
                                  std::count_if(edges.begin(), edges.end(), is_held));
}

VerifyOutcome verify_graph(Session& session, const VerifyRequest& request,
                           const std::stop_token& cancel) {
  check_verify(request);
  return GraphVerifier(session, request).run(cancel);
}

Provenance provenance_of(const Session& session, const VerifyRequest& request,
                         const OpenedDictionary& dictionary) {
  Provenance out = session.provenance();
  dictionary.describe(out);
  out.seed = request.seed;
  return out;
}

}  // namespace cajal
