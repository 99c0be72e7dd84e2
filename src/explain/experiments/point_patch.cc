#include "explain/experiments/point_patch.h"

#include <fmt/format.h>

#include "base/cancel.h"
#include "intervene/prompt_values.h"

namespace cajal {
namespace {

std::vector<Point> residual_points(const Model& model) {
  std::vector<Point> out;
  out.reserve(model.config().layers);
  for (std::size_t l = 0; l < model.config().layers; ++l) {
    out.push_back({PointKind::ResidPost, l});
  }
  return out;
}

std::vector<double> row_of(ConstMatRef values, std::size_t row) {
  std::vector<double> out(values.cols);
  for (std::size_t c = 0; c < values.cols; ++c) {
    out[c] = element(values, row, c);
  }
  return out;
}

/// The donor's values of a point in place of the prompt's, role by role.
Interventions patch_of(const SwapCase& one, const SwapSetting& setting, std::size_t layer,
                       ConstMatRef values) {
  Interventions out;
  for (std::size_t r = 0; r < one.prompt.roles.size(); ++r) {
    if (one.prompt.roles[r].last ? setting.last : setting.words) {
      out.points.push_back({.point = fmt::format("resid_post.{}", layer),
                            .positions = Positions::at(one.prompt.roles[r].position),
                            .change = {ChangeKind::Set, 1.0},
                            .direction = row_of(values, one.donor.roles[r].position)});
    }
  }
  return out;
}

}  // namespace

std::vector<Observation> try_patches(const Subject& subject, std::span<const SwapCase> cases,
                                     const SwapSetting& setting, const std::string& what,
                                     const std::stop_token& cancel) {
  const std::vector<Point> points = residual_points(*subject.model);
  std::vector<Observation> out;
  out.reserve(points.size());
  for (std::size_t l = 0; l < points.size(); ++l) {
    out.push_back({what, fmt::format("resid_post.{} from the donor, {}", l, setting.where), {}});
  }
  for (const SwapCase& one : cases) {
    check_cancelled(cancel);
    const PromptValues donor =
        read_prompt(subject.backend, *subject.model, one.donor.ids, points, subject.precision);
    for (std::size_t l = 0; l < points.size(); ++l) {
      const Interventions patch = patch_of(one, setting, l, donor.at.at(points[l]).ref());
      out[l].rate.add(one.succeeds(continuation(subject, one.prompt, patch, one.bytes)));
    }
  }
  return out;
}

}  // namespace cajal
