// A compiled chat template: the part of Jinja that models ship, with the settings that they are
// written for (trim_blocks, lstrip_blocks, loop controls, `generation` blocks, an immutable
// sandbox). What lies outside it is an Unsupported failure, never other text.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/budget.h"
#include "text/jinja/evaluator.h"

namespace cajal::jinja {

struct RenderResult {
  std::string text;
  std::vector<Span> generated;  // bytes
};

class Template {
 public:
  /// `name` is what error messages call the template. Raises TemplateFailure. Broken UTF-8 in
  /// `source` becomes U+FFFD.
  static Template parse(std::string_view source, std::string name);

  /// `now` is the local time that strftime_now sees. Safe to call from several threads at once.
  RenderResult render(const std::vector<std::pair<std::string, Value>>& variables,
                      const std::tm& now, const Limits& limits = {}) const;

 private:
  Template(std::shared_ptr<const Body> body, std::string name)
      : body_(std::move(body)), name_(std::move(name)) {}
  std::shared_ptr<const Body> body_;
  std::string name_;
};

}  // namespace cajal::jinja
