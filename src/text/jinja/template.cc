#include "text/jinja/template.h"

#include "base/utf8.h"
#include "text/jinja/objects.h"
#include "text/jinja/parser.h"

namespace cajal::jinja {

Template Template::parse(std::string_view source, std::string name) {
  try {
    return {std::make_shared<const Body>(parse_template(sanitize_utf8(source))), std::move(name)};
  } catch (const TemplateFailure& failure) {
    throw failure.located(name, failure.line());
  }
}

RenderResult Template::render(const std::vector<std::pair<std::string, Value>>& variables,
                              const std::tm& now, const Limits& limits) const {
  const std::shared_ptr<Scope> globals = make_globals();
  for (const auto& [name, value] : variables) {
    globals->set(name, value);
  }
  Evaluator evaluator(globals, limits, now);
  try {
    std::string text = evaluator.run(*body_);
    return {std::move(text), evaluator.generated()};
  } catch (const TemplateFailure& failure) {
    throw failure.located(name_, evaluator.line());
  }
}

}  // namespace cajal::jinja
