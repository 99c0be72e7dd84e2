// Graph JSON and raw graphs: as the golden files have them, there and back, and what is refused.
#include <gmock/gmock.h>

#include "testing/files.h"
#include "trace/golden_run_test.h"
#include "trace/graph_json.h"
#include "trace/influence.h"
#include "trace/raw_graph.h"
#include "trace/trace.h"

namespace cajal {
namespace {

using testing::CircuitRun;
using ::testing::HasSubstr;
using testing::thrown_by;

/// The text of each token that the golden file has, and what the package was asked for.
GraphJsonOptions golden_options(const Json& want) {
  const Json& metadata = want.at("metadata", "");
  GraphJsonOptions out = {.slug = metadata.at("slug", "").as_string(""),
                          .scan = metadata.at("scan", "").as_string(""),
                          .prompt = metadata.at("prompt", "").as_string("")};
  for (const Json& token : metadata.at("prompt_tokens", "").as_array("")) {
    out.prompt_tokens.push_back(token.as_string(""));
  }
  out.prune = {.node_threshold = 0.8, .edge_threshold = 0.98};
  out.unselected = Unselected::Dropped;
  out.error_ids = ErrorIds::AsReference;
  return out;
}

class GraphFiles : public ::testing::Test {
 protected:
  template <typename Body>
  void each(const Body& body) {
    testing::each_circuit(false, [&](CircuitRun& run) { body(run, half_graph(run)); });
  }
  static AttributionGraph half_graph(CircuitRun& run) {
    const auto setting = [&](const char* name) {
      return static_cast<std::size_t>(run.golden.number({"half/settings", name}));
    };
    auto targets = salient_logits(run.replacement, run.last());
    const Json::Array& names = run.golden.notes().at("logit_targets", "").as_array("");
    for (std::size_t i = 0; i < targets.size(); ++i) {
      targets[i].node.label = names[i].as_array("")[0].as_string("");
    }
    return trace(run.backend, run.replacement, targets,
                 {.max_features = setting("max_feature_nodes"),
                  .batch = setting("batch_size"),
                  .update_interval = setting("update_interval")});
  }
};

void expect_close(const Json& got, const Json& want, double tolerance, const std::string& what) {
  if (want.is_number() && got.is_number()) {
    EXPECT_NEAR(got.as_double(""), want.as_double(""), tolerance) << what;
  } else {
    EXPECT_EQ(got, want) << what;
  }
}

TEST_F(GraphFiles, NodesAndLinksAreThePackages) {
  each([](CircuitRun& run, const AttributionGraph& graph) {
    const Json want = Json::load(run.golden.folder() / "graph.json");
    const Json got = graph_json(graph, golden_options(want));
    const Json::Array& nodes = want.at("nodes", "").as_array("");
    ASSERT_EQ(got.at("nodes", "").as_array("").size(), nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const auto& [name, value] : nodes[i].as_object("")) {
        expect_close(got.at("nodes", "").as_array("")[i].at(name, ""), value, 2e-5, name);
      }
    }
    const Json::Array& links = want.at("links", "").as_array("");
    ASSERT_EQ(got.at("links", "").as_array("").size(), links.size());
    const double tolerance = run.golden.tolerance("half/adjacency");
    for (std::size_t i = 0; i < links.size(); ++i) {
      for (const auto& [name, value] : links[i].as_object("")) {
        expect_close(got.at("links", "").as_array("")[i].at(name, ""), value, tolerance, name);
      }
    }
    for (const auto& [name, value] : want.at("metadata", "").as_object("")) {
      EXPECT_EQ(got.at("metadata", "").at(name, ""), value) << name;
    }
    EXPECT_EQ(got.at("qParams", ""), want.at("qParams", ""));
  });
}

TEST_F(GraphFiles, AGraphReadBackHasTheSameEdges) {
  each([](CircuitRun& run, const AttributionGraph& graph) {
    GraphJsonOptions options = golden_options(Json::load(run.golden.folder() / "graph.json"));
    options.error_ids = ErrorIds::Distinct;
    options.prune = {.node_threshold = 1.0, .edge_threshold = 1.0};  // keeps all but zeros
    const GraphFile file = parse_graph_json(graph_json(graph, options), "graph.json");
    const GraphScores got = graph_scores(file.graph(), file.weights());
    const GraphScores want = graph_scores(graph.graph(), graph.weights());
    EXPECT_NEAR(got.replacement.value(), want.replacement.value(), 1e-6);
    EXPECT_EQ(file.counts.positions, graph.counts.positions);
    EXPECT_EQ(file.counts.layers, graph.counts.layers);
    EXPECT_TRUE(file.notes.empty());
  });
}

/// Also with error ids that may be a feature's.
TEST_F(GraphFiles, GoldenGraphsAreRead) {
  each([](CircuitRun& run, const AttributionGraph&) {
    const GraphFile file = load_graph_json(run.golden.folder() / "graph.json");
    const double nodes = run.golden.number({"half/prune_0", "nodes"});
    EXPECT_LE(file.features.size() + file.targets.size() + file.counts.positions,
              static_cast<std::size_t>(nodes));
    EXPECT_TRUE(graph_scores(file.graph(), file.weights()).replacement.has_value());
  });
}

TEST_F(GraphFiles, ARawGraphIsTheSameWhenReadBack) {
  const testing::TemporaryFolder folder;
  each([&](CircuitRun& run, const AttributionGraph& graph) {
    write_raw_graph(folder / "graph.safetensors", graph, Json::object({{"prompt", "text"}}));
    const RawGraph file = read_raw_graph(folder / "graph.safetensors");
    const AttributionGraph& got = file.graph;
    EXPECT_EQ(file.about.at("prompt", "").as_string(""), "text");
    EXPECT_EQ(got.counts, graph.counts);
    EXPECT_EQ(got.tokens, graph.tokens);
    EXPECT_EQ(got.selected, graph.selected);
    EXPECT_EQ(got.order, graph.order);
    EXPECT_EQ(got.vocab, graph.vocab);
    EXPECT_EQ(got.targets[0].label, graph.targets[0].label);
    EXPECT_EQ(testing::elements(got.rows.ref()), testing::elements(graph.rows.ref()));
    EXPECT_EQ(testing::elements(got.unselected.ref()), testing::elements(graph.unselected.ref()));
    const auto raw = Safetensors::open(folder / "graph.safetensors");
    EXPECT_EQ(testing::elements(as_matrix(raw->at("active_features"))),
              run.golden.numbers("active_features"));
    EXPECT_LE(testing::largest_difference(testing::elements(as_matrix(raw->at("adjacency"))),
                                          run.golden.numbers("half/adjacency")),
              run.golden.tolerance("half/adjacency"));
  });
}

TEST(PairedIndex, IsUndoneEvenWhereRootsAreRounded) {
  for (const std::uint64_t layer : {0ULL, 1ULL, 25ULL, 61ULL}) {
    for (const std::uint64_t feature : {0ULL, 1ULL, 16383ULL, 1048575ULL, 94906265ULL}) {
      const auto [l, f] = unpaired_index(paired_index(layer, feature));
      EXPECT_EQ(l, layer);
      EXPECT_EQ(f, feature);
    }
  }
  EXPECT_EQ(paired_index(0, 20), 230U);
}

/// A graph of one feature at one position.
Json small_graph() {
  return Json::parse(R"json({
    "metadata": {"slug": "s", "scan": "m", "prompt_tokens": ["a"], "prompt": "a",
                 "schema_version": 1},
    "qParams": {},
    "nodes": [
      {"node_id": "0_1_0", "feature": 2, "layer": "0", "ctx_idx": 0,
       "feature_type": "cross layer transcoder", "jsNodeId": "0_1-0", "clerp": "x"},
      {"node_id": "E_5_0", "feature": 0, "layer": "E", "ctx_idx": 0, "feature_type": "embedding",
       "jsNodeId": "E_5-0", "clerp": ""},
      {"node_id": "2_7_0", "feature": 7, "layer": 2, "ctx_idx": 0, "feature_type": "logit",
       "jsNodeId": "L_7-0", "clerp": "Output \"b\" (p=0.500)", "token_prob": 0.5}],
    "links": [{"source": "E_5_0", "target": "0_1_0", "weight": 2.0},
              {"source": "0_1_0", "target": "2_7_0", "weight": 3.0}]
})json",
                     "graph.json");
}

TEST(GraphJson, OptionalFieldsMayBeAbsent) {
  const GraphFile file = parse_graph_json(small_graph(), "graph.json");
  ASSERT_EQ(file.features.size(), 1U);
  EXPECT_EQ(file.features[0].feature, 1U);
  EXPECT_EQ(file.features[0].label, "x");
  EXPECT_EQ(graph_scores(file.graph(), file.weights()).replacement, 1.0);
}

TEST(GraphJson, ALinkToANodeThatIsNotThereIsAnError) {
  Json json = small_graph();
  json.set("links", Json::parse(R"([{"source": "9_9_9", "target": "2_7_0", "weight": 1}])", ""));
  const auto thrown = thrown_by([&] { parse_graph_json(json, "graph.json"); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, HasSubstr("source is '9_9_9', but there is no such node"));
}

TEST(GraphJson, ALinkBackwardsIsAnError) {
  Json json = small_graph();
  json.set("links", Json::parse(R"([{"source": "2_7_0", "target": "0_1_0", "weight": 1}])", ""));
  const auto thrown = thrown_by([&] { parse_graph_json(json, "graph.json"); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, HasSubstr("against the order of layers"));
}

TEST(GraphJson, AMissingPartIsNamed) {
  const Json whole = small_graph();
  for (const char* part : {"metadata", "qParams", "nodes", "links"}) {
    Json json;
    for (const auto& [name, value] : whole.as_object("")) {
      if (name != part) {
        json.set(name, value);
      }
    }
    const auto thrown = thrown_by([&] { parse_graph_json(json, "graph.json"); });
    EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
    EXPECT_THAT(thrown.message, HasSubstr(part));
  }
}

TEST(GraphJson, NodesOfOtherKindsAreRefused) {
  Json json = small_graph();
  json.set("nodes", Json::parse(R"([{"node_id": "0_lor_1_0", "feature": 1, "layer": "0",
    "ctx_idx": 0, "feature_type": "lorsa", "jsNodeId": "x", "clerp": ""}])",
                                ""));
  const auto thrown = thrown_by([&] { parse_graph_json(json, "graph.json"); });
  EXPECT_EQ(thrown.code, ErrorCode::Unsupported);
  EXPECT_THAT(thrown.message, HasSubstr("is of type 'lorsa'"));
}

TEST(GraphJson, APositionPastThePromptIsAnError) {
  Json json = small_graph();
  json.set("nodes", Json::parse(R"([{"node_id": "E_5_7", "feature": 0, "layer": "E",
    "ctx_idx": 7, "feature_type": "embedding", "jsNodeId": "x", "clerp": ""}])",
                                ""));
  const auto thrown = thrown_by([&] { parse_graph_json(json, "graph.json"); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, HasSubstr("position 7, but there are 1 prompt_tokens"));
}

}  // namespace
}  // namespace cajal
