#include "service/edit.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/whole_number.h"
#include "io/safetensors_writer.h"
#include "model/sampling.h"
#include "service/generate.h"
#include "service/input.h"

namespace cajal {
namespace {

/// STRENGTH*SOURCE at a place.
struct Steering {
  PointEdit edit;
  std::string source;
};

Steering parse_steering(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t star = equals == std::string::npos ? equals : text.find('*', equals);
  check(star != std::string::npos && star + 1 < text.size(),
        "'{}' is no steering: write POINT:POSITION=STRENGTH*LAYER:FEATURE or "
        "POINT:POSITION=STRENGTH*FILE, as resid_post.3:last=4*2:120",
        text.substr(0, 100));
  const auto edit = parse_edit(text.substr(0, star));
  const auto* point = std::get_if<PointEdit>(&edit);
  check(point != nullptr && point->change.kind == ChangeKind::Set,
        "'{}' steers no point by a number: write POINT:POSITION=STRENGTH*LAYER:FEATURE",
        text.substr(0, 100));
  Steering out = {*point, text.substr(star + 1)};
  out.edit.change.kind = ChangeKind::Add;
  return out;
}

/// "LAYER:FEATURE"; nullopt for a file.
std::optional<std::pair<std::size_t, std::size_t>> feature_of(std::string_view source) {
  const std::size_t colon = source.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const auto layer = whole_number(source.substr(0, colon));
  const auto feature = whole_number(source.substr(colon + 1));
  return layer && feature ? std::optional(std::pair(*layer, *feature)) : std::nullopt;
}

/// What a feature writes at its own layer, of length 1.
std::vector<double> decoder_direction(const Dictionary& dictionary, std::size_t layer,
                                      std::size_t feature) {
  const auto index = dictionary.index_of(layer);
  check(index.has_value(), "{}: there is no layer {} to steer by, it has {} from layer {} on",
        dictionary.info().name, layer, dictionary.layers().size(),
        dictionary.layers().front().layer);
  const std::size_t features = dictionary.layers()[*index].features();
  check(feature < features, "{}: there is no feature {} to steer by, layer {} has 0 to {}",
        dictionary.info().name, feature, layer, features - 1);
  const ConstMatRef row = dictionary.decoder_row(*index, feature, *index);
  std::vector<double> out;
  double squares = 0.0;
  for (std::size_t c = 0; c < row.cols; ++c) {
    out.push_back(element(row, 0, c));
    squares += out.back() * out.back();
  }
  for (double& x : out) {
    x = squares == 0.0 ? 0.0 : x / std::sqrt(squares);
  }
  return out;
}

std::vector<double> file_direction(const std::string& path) {
  std::vector<double> out;
  for (const Json& x : Json::load(path).as_array(path)) {
    out.push_back(x.as_double(path));
  }
  check(!out.empty(), "{}: the list of numbers to steer by is empty", path);
  return out;
}

bool takes_from(const Interventions& all) {
  const auto is_from = [](const auto& edit) { return edit.change.kind == ChangeKind::From; };
  return std::any_of(all.features.begin(), all.features.end(), is_from) ||
         std::any_of(all.points.begin(), all.points.end(), is_from);
}

/// Those of --edits, then those of --set.
Interventions spelled(const EditRequest& request) {
  Interventions out;
  if (!request.edits.empty()) {
    out = interventions_from_json(Json::load(request.edits), request.edits);
  }
  for (const std::string& text : request.set) {
    const auto edit = parse_edit(text);
    if (const auto* feature = std::get_if<FeatureEdit>(&edit)) {
      out.features.push_back(*feature);
    } else {
      out.points.push_back(std::get<PointEdit>(edit));
    }
  }
  return out;
}

bool needs_dictionary(const EditRequest& request, const Interventions& interventions) {
  return !interventions.features.empty() || !request.dictionary.empty() ||
         std::any_of(request.steer.begin(), request.steer.end(), [](const std::string& text) {
           return feature_of(parse_steering(text).source).has_value();
         });
}

void add_steering(const EditRequest& request, const Dictionary* dictionary, Interventions& into) {
  for (const std::string& text : request.steer) {
    Steering steering = parse_steering(text);
    const auto feature = feature_of(steering.source);
    steering.edit.direction = feature
                                  ? decoder_direction(*dictionary, feature->first, feature->second)
                                  : file_direction(steering.source);
    into.points.push_back(std::move(steering.edit));
  }
}

std::vector<TokenId> donor_ids(Session& session, const EditRequest& request) {
  if (!request.from && request.from_ids.empty()) {
    return {};
  }
  InputOptions input;
  input.text = request.from;
  input.ids = request.from_ids;
  input.no_special = request.no_special;
  input.chat = request.chat && request.from.has_value();
  return input_ids(session, input);
}

/// Continues the prompt; keeps the probabilities of what follows it.
EditOutcome::Side continued(Session& session, const EditOutcome& outcome,
                            const EditRequest& request, PointSet points, std::stop_token cancel) {
  EditOutcome::Side out;
  points.read({PointKind::Logits, 0}, [&out](ConstMatRef value, const PointContext&) {
    if (out.next.empty()) {  // of the first pass, which reads the prompt
      out.next = token_probabilities(value.row_range(0, 1));
    }
  });
  GenerateOptions options;
  options.max_tokens = room_for(session, outcome.prompt_ids.size(), request.max_tokens);
  options.stop_ids = session.special.stop;
  options.precision = session.precision;
  options.keep_logprobs = true;
  options.points = &points;
  options.cancel = std::move(cancel);
  out.generation = std::move(generate(*session.backend, *session.model, session.tokenizer,
                                      std::span(&outcome.prompt_ids, 1), options)
                                 .front());
  return out;
}

/// The `count` likeliest tokens of each side.
std::vector<TokenId> likeliest(const EditOutcome& outcome, std::size_t count) {
  std::vector<TokenId> out;
  for (const auto* side : {&outcome.unchanged, &outcome.changed}) {
    std::vector<TokenId> order(side->next.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = static_cast<TokenId>(i);
    }
    std::stable_sort(order.begin(), order.end(), [side](TokenId a, TokenId b) {
      return side->next[static_cast<std::size_t>(a)] > side->next[static_cast<std::size_t>(b)];
    });
    order.resize(std::min(count, order.size()));
    for (const TokenId id : order) {
      if (std::find(out.begin(), out.end(), id) == out.end()) {
        out.push_back(id);
      }
    }
  }
  return out;
}

std::optional<std::size_t> first_difference(const std::vector<TokenId>& a,
                                            const std::vector<TokenId>& b) {
  const auto [i, j] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return i == a.end() && j == b.end() ? std::nullopt
                                      : std::optional(static_cast<std::size_t>(i - a.begin()));
}

Json side_json(const EditOutcome::Side& side, const Session& session) {
  const bool has_text = session.tokenizer != nullptr;
  return Json::object({{"ids", Json::array_of(side.generation.ids)},
                       {"text", has_text ? Json(side.generation.text) : Json()},
                       {"finish", name_of(side.generation.finish)},
                       {"logprobs", logprobs_json(side.generation, true, session)}});
}

}  // namespace

const FieldTable<EditRequest>& edit_fields() {
  static const FieldTable<EditRequest> table = [] {
    auto out = input_fields<EditRequest>();
    append(out, model_fields<EditRequest>());
    append<EditRequest>(
        out,
        {{{.name = "dictionary",
           .help = "dictionary of the model whose features are changed: a file or folder",
           .letter = 'd',
           .value = "DICTIONARY"},
          &EditRequest::dictionary},
         {{.name = "set",
           .help = "LAYER:POSITION:FEATURE=VALUE or POINT:POSITION=VALUE; POSITION: a number, 3-5, "
                   "*, last, generated; VALUE: a number, *2, +3, off, from; may be given again",
           .value = "CHANGE"},
          &EditRequest::set},
         {{.name = "steer",
           .help = "add a direction: POINT:POSITION=STRENGTH*LAYER:FEATURE (what a feature writes, "
                   "of length 1) or STRENGTH*FILE (a JSON list); may be given again",
           .value = "CHANGE"},
          &EditRequest::steer},
         {{.name = "edits", .help = "a JSON file with changes (docs/json.md)", .value = "FILE"},
          &EditRequest::edits},
         {{.name = "from",
           .help = "another prompt of as many tokens, for changes '=from'",
           .value = "PROMPT"},
          &EditRequest::from},
         {{.name = "from_ids", .help = "the same as token ids", .value = "1,2,3"},
          &EditRequest::from_ids},
         {{.name = "freeze",
           .help = "what stays as it was: none, attention (patterns), layers as 3-5 (patterns, and "
                   "what their MLPs give), or all (norms too)",
           .value = "none|attention|LAYERS|all"},
          &EditRequest::freeze},
         {{.name = "raw",
           .help = "write the prompt's logits, both ways, to this safetensors file",
           .value = "FILE"},
          &EditRequest::raw},
         {{.name = "max_tokens", .help = "write at most this many tokens", .letter = 'n', .min = 1},
          &EditRequest::max_tokens},
         {{.name = "top", .help = "likeliest next tokens to compare", .max = 1000},
          &EditRequest::top},
         {{.name = "first_position",
           .help = "features of the prompt before it count as not active (1: as circuit-tracer)"},
          &EditRequest::first_position},
         {k_field(), &EditRequest::k},
         {trust_field(), &EditRequest::trust}});
    return out;
  }();
  return table;
}

void check_edit(const EditRequest& request) {
  check(!request.text || !request.text->empty(), "the prompt is empty: there is nothing to change");
  check(!request.set.empty() || !request.steer.empty() || !request.edits.empty(),
        "say what to change: --set LAYER:POSITION:FEATURE=VALUE, --steer, or --edits FILE");
  const bool donor = request.from || !request.from_ids.empty();
  check(!request.from || request.from_ids.empty(), "--from and --from-ids give the same thing");
  bool taken = !request.edits.empty();
  for (const std::string& text : request.set) {
    const auto edit = parse_edit(text);
    taken |= std::visit([](const auto& e) { return e.change.kind == ChangeKind::From; }, edit);
  }
  for (const std::string& text : request.steer) {
    parse_steering(text);
  }
  check(!donor || taken, "nothing is taken from the other prompt: say what, as --set 3:4:120=from");
  parse_frozen(request.freeze, SIZE_MAX);
}

EditOutcome edit_prompt(Session& session, const EditRequest& request,
                        const std::stop_token& cancel) {
  check_edit(request);
  EditOutcome out;
  out.prompt_ids = input_ids(session, request);
  room_for(session, out.prompt_ids.size(), request.max_tokens);
  out.donor_ids = donor_ids(session, request);
  out.interventions = spelled(request);
  check(out.donor_ids.empty() || takes_from(out.interventions),
        "nothing is taken from the other prompt: say what, as --set 3:4:120=from");
  if (request.freeze != "none") {
    out.interventions.frozen = parse_frozen(request.freeze, session.model->config().layers);
  }
  if (needs_dictionary(request, out.interventions)) {
    out.dictionary = open_dictionary_for(session, request.dictionary, load_options(request.k),
                                         request.trust, cancel, out.prompt_ids);
  }
  const auto dictionary = out.dictionary ? out.dictionary->dictionary : nullptr;
  add_steering(request, dictionary.get(), out.interventions);
  out.run = std::make_unique<InterventionRun>(
      *session.backend, session.model, dictionary, out.prompt_ids, out.interventions,
      InterventionOptions{.precision = session.precision,
                          .first_position = request.first_position,
                          .donor = out.donor_ids});
  out.unchanged = continued(session, out, request, {}, cancel);
  out.changed = continued(session, out, request, out.run->points(), cancel);
  out.next = likeliest(out, request.top);
  out.first_difference = first_difference(out.unchanged.generation.ids, out.changed.generation.ids);
  return out;
}

Provenance provenance_of(const Session& session, const EditOutcome& outcome) {
  Provenance out = session.provenance();
  if (outcome.dictionary) {
    outcome.dictionary->describe(out);
  }
  return out;
}

void save_logits(Session& session, EditOutcome& outcome, const std::filesystem::path& path) {
  const PromptValues unchanged =
      read_prompt(*session.backend, *session.model, outcome.prompt_ids, {}, session.precision);
  const Matrix changed = outcome.run->forward(LogitRows::All);
  Matrix tokens = Matrix::host(1, outcome.prompt_ids.size(), DType::I64);
  std::copy(outcome.prompt_ids.begin(), outcome.prompt_ids.end(),
            tokens.as<std::int64_t>().row(0).begin());
  const std::vector<NamedMatrix> tensors = {
      {"unchanged", unchanged.logits.ref()}, {"changed", changed.ref()}, {"tokens", tokens.ref()}};
  write_safetensors(path, tensors);
}

Json to_json(const EditOutcome& outcome, const Session& session) {
  Json next(Json::Array{});
  for (const TokenId id : outcome.next) {
    const auto at = static_cast<std::size_t>(id);
    next.push_back(Json::object({{"id", id},
                                 {"piece", piece_text(session.tokenizer.get(), id)},
                                 {"unchanged", outcome.unchanged.next[at]},
                                 {"changed", outcome.changed.next[at]}}));
  }
  const auto& difference = outcome.first_difference;
  return Json::object(
      {{"prompt_ids", Json::array_of(outcome.prompt_ids)},
       {"from_ids", outcome.donor_ids.empty() ? Json() : Json::array_of(outcome.donor_ids)},
       {"interventions", to_json(outcome.interventions)},
       {"next", std::move(next)},
       {"unchanged", side_json(outcome.unchanged, session)},
       {"changed", side_json(outcome.changed, session)},
       {"first_difference", difference ? Json(std::uint64_t{*difference}) : Json()}});
}

}  // namespace cajal
