// The steps of explain, for one answer (explain.cc) and for two (explain_versus.cc). Private to
// this folder.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "explain/build_chart.h"
#include "explain/claims.h"
#include "service/explain.h"
#include "service/explain_atlas.h"
#include "trace/trace.h"

namespace cajal {

/// Names the time since it was last asked.
class ExplainWatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// What the model goes on with, at most request.max_tokens. Throws Cancelled.
std::vector<TokenId> generated_answer(Session& session, const ExplainRequest& request,
                                      const std::vector<TokenId>& prompt,
                                      const std::stop_token& cancel);

/// Which token is explained, after how many of the answer's own.
struct AskedToken {
  std::size_t before = 0;
  TokenId token = 0;
};

/// How errors speak of an answer.
struct AnswerWords {
  std::string whose = "the model's answer";
  std::string flag = "--target";  // that names another token
};

/// The first token of the answer with a letter or a digit; all of them with request.answer; or
/// request.target. Throws InvalidArgument if there is none.
std::vector<AskedToken> what_is_asked(const Session& session, const ExplainRequest& request,
                                      const std::vector<TokenId>& answer,
                                      const AnswerWords& words = {});

/// A prompt, an answer, and its graph and chart, with nothing tried yet.
struct TracedAnswer {
  std::vector<TokenId> ids;  // what the model had read
  TokenId token = 0;
  std::unique_ptr<LocalReplacement> replacement;
  AttributionGraph graph;
  std::unique_ptr<GraphFlow> flow;
  RowTarget value;
  ChartParts parts;
  std::vector<ExplainPhase> phases;
};

/// Opens the dictionary and the atlas, and says so in the outcome.
ExplainAtlas open_for_explain(Session& session, const ExplainRequest& request,
                              ExplainOutcome& outcome, const std::stop_token& cancel);

class Explainer {
 public:
  /// All must outlive it.
  Explainer(Session& session, const ExplainRequest& request, const ExplainOutcome& outcome,
            const AtlasView& atlas, std::stop_token cancel)
      : session_(session),
        request_(request),
        outcome_(outcome),
        atlas_(atlas),
        cancel_(std::move(cancel)) {}

  /// `token`, or what it has more than `other`. `members`: of an idea, listed.
  TracedAnswer traced(std::vector<TokenId> ids, TokenId token, std::optional<TokenId> other,
                      std::size_t members = ChartOptions().members) const;
  /// With its heads and its claims.
  Explanation tried(TracedAnswer traced) const;

  ClaimGround ground(const TracedAnswer& traced) const;
  ClaimOptions claim_options() const;
  /// As Explanation's.
  std::vector<std::string> labels(const TracedAnswer& traced) const;
  /// Model, dictionary, atlas, and how claims fare.
  std::string footer() const;

 private:
  TraceTarget target_of(LocalReplacement& replacement, TokenId token,
                        std::optional<TokenId> other) const;
  ChartAnswer answer_of(const TracedAnswer& traced, std::optional<TokenId> other) const;
  std::vector<Supernode> groups() const;

  Session& session_;
  const ExplainRequest& request_;
  const ExplainOutcome& outcome_;
  const AtlasView& atlas_;
  std::stop_token cancel_;
};

}  // namespace cajal
