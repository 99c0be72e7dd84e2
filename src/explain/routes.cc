#include "explain/routes.h"

#include <algorithm>
#include <numeric>
#include <queue>

namespace cajal {
namespace {

/// Paths from the answer down that have come to a box, and where in it they are.
struct Open {
  std::vector<std::size_t> passed;  // boxes, from the answer down
  std::vector<double> flow;         // [nodes]
  std::vector<double> effect;
  double share = 0.0;
  std::size_t number = 0;  // as they were found, so that equal ones have an order
};

struct Weaker {
  bool operator()(const Open& a, const Open& b) const {
    return a.share != b.share ? a.share < b.share : a.number > b.number;
  }
};

class Search {
 public:
  Search(const GraphFlow& flow, const std::vector<NodeSet>& boxes) : flow_(flow), boxes_(boxes) {
    open_.push(
        {{}, flow.start(GraphFlow::Kind::Flow), flow.start(GraphFlow::Kind::Effect), 1.0, 0});
  }

  /// Expands what is strongest until no open way can be among the best.
  std::vector<Route> run(std::size_t most) {
    while (!open_.empty() && (found_.size() < most || open_.top().share > weakest(most))) {
      const Open next = open_.top();
      open_.pop();
      expand(next);
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Route& a, const Route& b) { return a.share > b.share; });
    found_.resize(std::min(most, found_.size()));
    return std::move(found_);
  }

 private:
  static constexpr double kFaint = 1e-3;  // of the answer: what is weaker is no route to show

  double weakest(std::size_t most) const {
    std::vector<double> shares;
    shares.reserve(found_.size());
    for (const Route& route : found_) {
      shares.push_back(route.share);
    }
    std::sort(shares.rbegin(), shares.rend());
    return shares[most - 1];
  }

  void expand(const Open& from) {
    std::vector<std::uint8_t> stops(flow_.counts().nodes(), 0);
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      const bool passed = std::find(from.passed.begin(), from.passed.end(), b) != from.passed.end();
      for (const std::uint32_t node : boxes_[b]) {
        stops[node] = passed ? 0 : 1;
      }
    }
    const std::vector<double> flow = flow_.follow(GraphFlow::Kind::Flow, from.flow, stops);
    const std::vector<double> effect = flow_.follow(GraphFlow::Kind::Effect, from.effect, stops);
    arrive(from, flow, effect);
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
      if (!boxes_[b].empty() && stops[boxes_[b].front()] != 0) {
        enter(from, b, flow, effect);
      }
    }
  }

  void arrive(const Open& from, const std::vector<double>& flow,
              const std::vector<double>& effect) {
    Route route;
    route.boxes.assign(from.passed.rbegin(), from.passed.rend());
    for (std::size_t p = 0; p < flow_.counts().positions; ++p) {
      route.words.push_back(flow[flow_.counts().embedding(p)]);
      route.effect += effect[flow_.counts().embedding(p)];
    }
    route.share = std::accumulate(route.words.begin(), route.words.end(), 0.0);
    if (route.share >= kFaint) {
      found_.push_back(std::move(route));
    }
  }

  void enter(const Open& from, std::size_t box, const std::vector<double>& flow,
             const std::vector<double>& effect) {
    Open next = {from.passed, std::vector<double>(flow.size(), 0.0),
                 std::vector<double>(flow.size(), 0.0), 0.0, ++number_};
    next.passed.push_back(box);
    for (const std::uint32_t node : boxes_[box]) {
      next.flow[node] = flow[node];
      next.effect[node] = effect[node];
      next.share += flow[node];
    }
    if (next.share >= kFaint) {
      open_.push(std::move(next));
    }
  }

  const GraphFlow& flow_;
  const std::vector<NodeSet>& boxes_;
  std::priority_queue<Open, std::vector<Open>, Weaker> open_;
  std::vector<Route> found_;
  std::size_t number_ = 0;
};

}  // namespace

std::vector<Route> strongest_routes(const GraphFlow& flow, const std::vector<NodeSet>& boxes,
                                    std::size_t most) {
  return most == 0 ? std::vector<Route>{} : Search(flow, boxes).run(most);
}

}  // namespace cajal
