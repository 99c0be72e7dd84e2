#include "service/features.h"

#include <algorithm>

#include "cli/dictionary_commands.h"
#include "cli/model_command.h"
#include "cli/text_table.h"
#include "service/open_atlas.h"

namespace cajal {
namespace {

constexpr std::size_t kExamples = 8;

std::string list_text(const std::vector<FeatureId>& ids, const AtlasStore& atlas) {
  std::vector<TableRow> rows = {{"feature", "density", "label"}};
  for (const FeatureId id : ids) {
    if (const auto page = atlas.page(id)) {
      const double tokens = static_cast<double>(std::max<std::uint64_t>(atlas.tokens(), 1));
      rows.push_back({name_of(id, atlas),
                      fmt::format("{:.4f} %", 100.0 * static_cast<double>(page->fires) / tokens),
                      visible(page->label.text, 80)});
    }
  }
  return format_table(rows, {true, true});
}

std::string label_of(const FiringFeature& f, const AtlasStore& atlas) {
  const auto page = atlas.page(f.id);
  return page ? visible(page->label.at(static_cast<double>(f.activation)).text, 60) : "";
}

std::string text_table(const TextFeatures& features, const AtlasStore& atlas) {
  std::vector<TableRow> rows = {{"token", "feature", "activation", "label"}};
  for (std::size_t t = 0; t < features.tokens.size(); ++t) {
    std::string piece = visible(features.texts[t], 24);
    for (const FiringFeature& f : features.tokens[t]) {
      rows.push_back(
          {piece, name_of(f.id, atlas), fmt::format("{:.3g}", f.activation), label_of(f, atlas)});
      piece.clear();
    }
  }
  std::vector<TableRow> all = {{"overall", "activation", "on", "label"}};
  for (const FiringFeature& f : features.overall) {
    all.push_back({name_of(f.id, atlas), fmt::format("{:.3g}", f.activation),
                   visible(features.texts[f.token], 24), label_of(f, atlas)});
  }
  return format_table(rows, {false, true, true}) + "\n" + format_table(all, {true, true});
}

class FeaturesCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(features_fields(), request_); }
  void check_usage() override {
    as_usage([&] { check_features(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    const OpenedAtlas opened = open_atlas(request_.atlas);
    const AtlasStore& atlas = opened.atlas;
    for (const std::string& note : opened.notes) {
      console.note(note);
    }
    provenance_.model = atlas.meta("model").value_or("");
    provenance_.model_hash = atlas.meta("model_hash").value_or("");
    provenance_.dictionary = atlas.meta("dictionary").value_or("");
    provenance_.dictionary_hash = atlas.meta("dictionary_hash").value_or("");
    if (!request_.text.empty()) {
      of_text(around, atlas);
    } else if (!request_.front_end.empty()) {
      const std::size_t count = write_front_end(atlas, request_.front_end, "cajal");
      print(console, Json::object({{"files", count}}),
            fmt::format("{} feature files in {}\n", count, request_.front_end));
    } else if (request_.feature) {
      const FeaturePage page = page_of(*request_.feature, atlas);
      print(console, to_json(page, atlas), text_of(page, atlas, kExamples));
    } else {
      const std::vector<FeatureId> ids =
          request_.search.empty() ? alike(atlas)
                                  : search_features(atlas, request_.search, request_.top);
      print(console, Json::object({{"features", list_json(ids, atlas)}}), list_text(ids, atlas));
    }
    return 0;
  }

 private:
  static FeaturePage page_of(const std::string& name, const AtlasStore& atlas) {
    auto page = atlas.page(parse_feature(name, atlas));
    if (!page) {
      fail(ErrorCode::NotFound, "the atlas has no page of feature {}", name);
    }
    return *page;
  }

  std::vector<FeatureId> alike(const AtlasStore& atlas) const {
    const FeaturePage page = page_of(request_.like, atlas);
    std::vector<FeatureId> out;
    for (const auto* list : {&page.near, &page.together}) {
      for (const FeatureNeighbour& n : *list) {
        if (std::find(out.begin(), out.end(), n.id) == out.end() && out.size() < request_.top) {
          out.push_back(n.id);
        }
      }
    }
    return out;
  }

  void of_text(Surroundings around, const AtlasStore& atlas) {
    Session session = open_model(request_, around.console);
    const TextFeatures features =
        features_of_text(session, atlas, request_, around.interrupt.token());
    print_notes(session, around.console);
    print(around.console, to_json(features, atlas), text_table(features, atlas));
  }

  void print(Console& console, Json result, const std::string& text) const {
    if (console.json()) {
      console.write_result("features", provenance_, std::move(result));
    } else {
      console.write(text);
    }
  }

  FeaturesRequest request_;
  Provenance provenance_;
};

}  // namespace

std::unique_ptr<Command> make_features_command() {
  return std::make_unique<FeaturesCommand>();
}

}  // namespace cajal
