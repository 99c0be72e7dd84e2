// How sums are made (Lindsey et al. 2025, "Addition"): at "=" one route works out about how large
// the sum is and another its last digit; asked how it added, a model tells of carrying the one.
//
// The first of both routes (sum_routes.h) are switched off in turn, as many of each; the control
// takes as many random features of the same layers that fire at "=".
//
// Scores: over the answers of two digits, whether the likeliest has the right last digit, and
// whether it is at most 5 off; as means, the probability of such answers.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "corpus/world/world.h"
#include "explain/experiments/group_swap.h"
#include "explain/experiments/sum_routes.h"
#include "intervene/run.h"
#include "model/probabilities.h"

namespace cajal {
namespace {

constexpr int kNear = 5;
constexpr std::string_view kAccountQuestion = "How did you add?";

struct SumSetting {
  std::size_t members = 10;
  double factor = 0.0;  // what becomes of an activation
  std::string name() const { return fmt::format("{} features, times {:g}", members, factor); }
};

const std::array<SumSetting, 8> kSettings = {
    {{5, 0.0}, {10, 0.0}, {20, 0.0}, {40, 0.0}, {5, -1.0}, {10, -1.0}, {20, -1.0}, {40, -1.0}}};

enum class Route : std::uint8_t { None, Size, Digit, Random };

/// What the likeliest answer of two digits keeps of the right one.
struct SumScore {
  Rate digit;
  Rate near;
  double digit_mass = 0.0;
  double near_mass = 0.0;
};

class Sums {
 public:
  Sums(const Subject& subject, const ExperimentOptions& options)
      : subject_(subject), options_(options), numbers_(number_tokens(*subject.tokenizer)) {}

  std::vector<SumCase> cases(Split split, std::size_t count) const {
    std::vector<Question> questions = World().task("sums").questions(split);
    Dice dice(options_.seed, fmt::format("sums/{}", name_of(split)), 0);
    std::vector<SumCase> out;
    while (out.size() < count && !questions.empty()) {
      check_cancelled(options_.cancel);
      const std::size_t at = dice.below(questions.size());
      if (auto one = read(questions[at])) {
        out.push_back(std::move(*one));
        if (options_.progress) {
          options_.progress(out.size(), count);
        }
      }
      std::swap(questions[at], questions.back());
      questions.pop_back();
    }
    check(out.size() == count,
          "only {} of {} sums of two digits could be used: the model must add by itself",
          out.size(), count);
    return out;
  }

  SumScore score(std::span<const SumCase> cases, const SumSetting& setting, Route route) const {
    SumScore out;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      check_cancelled(options_.cancel);
      add(cases[i], probabilities(cases[i], members(cases[i], setting, route, i), setting.factor),
          out);
    }
    const auto n = static_cast<double>(std::max<std::size_t>(cases.size(), 1));
    out.digit_mass /= n;
    out.near_mass /= n;
    return out;
  }

  /// What the model says of how it added.
  std::string account(const SumCase& one) const {
    const std::string text = fmt::format(
        "Human: What is {0}+{1}?\nAssistant: {0}+{1}={2}.\nHuman: {3}\nAssistant:", one.a, one.b,
        one.sum(), kAccountQuestion);
    const std::string said = continuation(subject_, roled_prompt(subject_, text, 0, 0), {}, 90);
    return said.substr(0, said.find('\n'));
  }

  /// What is likeliest when a route is off.
  int likeliest(const SumCase& one, const SumSetting& setting, Route route) const {
    const auto p = probabilities(one, members(one, setting, route, 0), setting.factor);
    return kLeastSum + static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
  }

  static double smallest_route(std::span<const SumCase> cases) {
    std::size_t out = SIZE_MAX;
    for (const SumCase& one : cases) {
      out = std::min({out, one.size.size(), one.digit.size()});
    }
    return static_cast<double>(out);
  }

 private:
  /// nullopt for questions that are no such sums, or that the model gets wrong.
  std::optional<SumCase> read(const Question& question) const {
    std::optional<SumCase> out = sum_of(subject_, question);
    if (!out || likeliest(*out, {}, Route::None) != out->sum()) {
      return std::nullopt;
    }
    find_routes(subject_, numbers_, *out, options_.cancel);
    return out;
  }

  /// Those that go off: as many of either route, or at random as many as of the larger one's
  /// layers.
  std::vector<RoledFeature> members(const SumCase& one, const SumSetting& setting, Route route,
                                    std::size_t index) const {
    const std::size_t count = std::min({setting.members, one.size.size(), one.digit.size()});
    const auto first = [count](std::vector<RoledFeature> route_features) {
      route_features.resize(count);
      return route_features;
    };
    switch (route) {
      case Route::None:
        return {};
      case Route::Size:
        return first(one.size);
      case Route::Digit:
        return first(one.digit);
      case Route::Random:
        break;
    }
    const GroupSwap group = {first(index % 2 == 0 ? one.size : one.digit), {}};
    const PromptGraph fires = {one.active, {}};
    return random_swap(subject_, group, fires, fires, options_.seed, index).off;
  }

  /// [numbers of two digits]
  std::vector<double> probabilities(const SumCase& one, std::span<const RoledFeature> off,
                                    double factor) const {
    Interventions interventions;
    for (const RoledFeature& feature : off) {
      interventions.features.push_back({.layer = feature.layer,
                                        .positions = Positions::at(one.prompt.ids.size() - 1),
                                        .feature = feature.feature,
                                        .change = {ChangeKind::Set, factor * feature.activation}});
    }
    InterventionRun run(subject_.backend, subject_.model, subject_.dictionary, one.prompt.ids,
                        interventions, {.precision = subject_.precision});
    const Matrix logits = run.forward(LogitRows::Last);
    subject_.backend.synchronize();
    std::vector<double> out;
    for (int n = kLeastSum; n <= kMostSum; ++n) {
      out.push_back(element(logits.ref(), 0, static_cast<std::size_t>(number(n))));
    }
    softmax(out);
    return out;
  }

  static void add(const SumCase& one, const std::vector<double>& p, SumScore& out) {
    const int best = kLeastSum + static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
    out.digit.add(best % 10 == one.sum() % 10);
    out.near.add(std::abs(best - one.sum()) <= kNear);
    for (int n = kLeastSum; n <= kMostSum; ++n) {
      const double mass = p[static_cast<std::size_t>(n - kLeastSum)];
      out.digit_mass += n % 10 == one.sum() % 10 ? mass : 0.0;
      out.near_mass += std::abs(n - one.sum()) <= kNear ? mass : 0.0;
    }
  }

  TokenId number(int n) const { return numbers_[static_cast<std::size_t>(n)]; }

  const Subject& subject_;
  const ExperimentOptions& options_;
  std::vector<TokenId> numbers_;
};

/// How much more each route hurts its own score than the other's, by the worse of the two.
double contrast_of(const SumScore& size, const SumScore& digit) {
  return std::min(size.digit_mass - size.near_mass, digit.near_mass - digit.digit_mass);
}

SumSetting choose(const Sums& sums, std::span<const SumCase> cases,
                  std::vector<TriedSetting>& tried) {
  SumSetting best;
  double most = -2.0;
  for (const SumSetting& setting : kSettings) {
    const SumScore size = sums.score(cases, setting, Route::Size);
    const SumScore digit = sums.score(cases, setting, Route::Digit);
    if (contrast_of(size, digit) > most) {
      most = contrast_of(size, digit);
      best = setting;
    }
    // right: what is kept by the route that is on, of both
    tried.push_back({.name = setting.name(),
                     .rate = {size.digit.right + digit.near.right, size.digit.n + digit.near.n}});
  }
  return best;
}

void observe(const SumScore& score, std::string_view condition, ExperimentResult& out) {
  out.observations.push_back(
      {"the last digit is right", std::string(condition), score.digit, score.digit_mass});
  out.observations.push_back(
      {"at most 5 off", std::string(condition), score.near, score.near_mass});
}

/// Surely more than as many random features do.
bool hurts(const Rate& off, const Rate& control) {
  return wilson_95(off).high < wilson_95(control).low;
}

/// At least half of the cases keep it.
bool spares(const Rate& off) {
  return off.share() >= 0.5;
}

/// What the model says of carrying, beside what was found.
void compare_accounts(const Sums& sums, std::span<const SumCase> cases, const SumSetting& setting,
                      ExperimentResult& out) {
  Rate says;
  for (const SumCase& one : cases) {
    if (!one.carries()) {
      continue;
    }
    const std::string account = sums.account(one);
    says.add(account.find("carried the one") != std::string::npos);
    if (out.examples.size() < 5) {
      out.examples.push_back(
          {.prompt = one.text,
           .wanted = fmt::format("{}", one.sum()),
           .unchanged = fmt::format("{}; its own account:{}", one.sum(), account),
           .changed = fmt::format("{} without the size route, {} without the last-digit route",
                                  sums.likeliest(one, setting, Route::Size),
                                  sums.likeliest(one, setting, Route::Digit)),
           .control = fmt::format("{}", sums.likeliest(one, setting, Route::Random))});
    }
  }
  out.observations.push_back({"its own account says that it carried", "sums that carry", says});
}

}  // namespace

ExperimentResult run_sums(const Subject& subject, const ExperimentOptions& options) {
  const Sums sums(subject, options);
  ExperimentResult out{.name = "sums"};
  out.question =
      "Is a sum made by two routes at \"=\", one for its size and one for its last digit, whatever "
      "the model says of how it adds?";
  out.method =
      "Routes: features at \"=\" by their total effect, in one graph, on why the answer and not "
      "the numbers 10 and 20 away (size), and on why not those 1 to 4 away (last digit); as many "
      "of each are switched off, with nothing frozen. Control: as many random features of the "
      "same layers at \"=\".";
  const SumSetting setting = choose(sums, sums.cases(Split::Train, options.development), out.tried);
  out.setting = setting.name();
  const std::vector<SumCase> cases = sums.cases(Split::Heldout, options.cases);
  const SumScore size = sums.score(cases, setting, Route::Size);
  const SumScore digit = sums.score(cases, setting, Route::Digit);
  observe(sums.score(cases, setting, Route::None), "unchanged", out);
  observe(size, "size route off", out);
  observe(digit, "last-digit route off", out);
  const SumScore control = sums.score(cases, setting, Route::Random);
  observe(control, "control", out);
  out.goals = {
      {"the size route off hurts size more than the control does", hurts(size.near, control.near)},
      {"and spares the last digit in at least half of the cases", spares(size.digit)},
      {"the last-digit route off hurts the last digit more than the control does",
       hurts(digit.digit, control.digit)},
      {"and spares size in at least half of the cases", spares(digit.near)}};
  out.members = std::min(static_cast<double>(setting.members), Sums::smallest_route(cases));
  compare_accounts(sums, cases, setting, out);
  return out;
}

}  // namespace cajal
