// The functions that every template sees.
#include <algorithm>
#include <array>
#include <ctime>

#include "base/utf8.h"
#include "text/jinja/call_arguments.h"
#include "text/jinja/objects.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {
namespace {

constexpr Int kMaxRange = 100'000;  // the reference's sandbox stops there too

Value make_range(Evaluator& evaluator, Arguments arguments) {
  const Bound bound("range", std::move(arguments), {"start", "stop", "step"}, 1);
  const Int start = bound.has(1) ? bound.integer(0, 0) : 0;
  const Int stop = bound.integer(bound.has(1) ? 1 : 0, 0);
  const Int step = bound.integer(2, 1);
  if (step == 0) {
    raise(FailureKind::Value, "range() arg 3 must not be zero");
  }
  // In double the count may be off by a little, but not near the limit.
  const double rough =
      (static_cast<double>(stop) - static_cast<double>(start)) / static_cast<double>(step);
  if (rough > static_cast<double>(kMaxRange)) {
    raise(FailureKind::Overflow,
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  }
  Sequence out = make_sequence(SequenceKind::Range, {});
  evaluator.budget().steps(static_cast<std::uint64_t>(std::max(rough, 0.0)));
  evaluator.budget().bytes(static_cast<std::uint64_t>(std::max(rough, 0.0)) * sizeof(Value));
  if (rough > 0.0) {
    for (Int i = start; step > 0 ? i < stop : i > stop; i += step) {
      out.items.push_back(Value::integer(i));
    }
  }
  out.printed_range = fmt::format("range({}, {}{})", print_int(start), print_int(stop),
                                  step == 1 ? "" : ", " + print_int(step));
  return Value::sequence(std::move(out));
}

using Members = std::vector<std::pair<Value, Value>>;

/// dict(...) and namespace(...): a mapping or pairs, then names.
Members members_of(Evaluator& evaluator, std::string_view function, const Arguments& arguments) {
  if (arguments.positional.size() > 1) {
    raise(FailureKind::Type, "{} expected at most 1 argument, got {}", function,
          arguments.positional.size());
  }
  Members out;
  if (!arguments.positional.empty()) {
    const Value& first = arguments.positional[0];
    need_defined(first);
    if (first.is_dict()) {
      out = first.as_dict().members;
    } else {
      for (const Value& pair : items_of(evaluator, first)) {
        Values two = items_of(evaluator, pair);
        if (two.size() != 2) {
          raise(FailureKind::Value,
                "dictionary update sequence element has length {}; 2 is required", two.size());
        }
        evaluator.budget().steps(out.size());
        set_member(out, std::move(two[0]), std::move(two[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    set_member(out, Value::text(name), value);
  }
  return out;
}

Value make_dict(Evaluator& evaluator, Arguments arguments) {
  return Value::dict(members_of(evaluator, "dict", arguments));
}

Value make_namespace(Evaluator& evaluator, Arguments arguments) {
  const auto names = std::make_shared<Namespace>();
  for (auto& [name, value] : members_of(evaluator, "namespace", arguments)) {
    names->set(name, value);
  }
  evaluator.keep([names] { names->clear(); });
  return Value::object(names);
}

class Cycler final : public Object {
 public:
  explicit Cycler(Values items) : items_(std::move(items)) {}
  std::string_view type_name() const noexcept override { return "Cycler"; }
  int depth() const noexcept override {
    int depth = 0;
    for (const Value& item : items_) {
      depth = std::max(depth, item.depth());
    }
    return depth + 1;
  }
  bool attribute(std::string_view name, Value* out) override {
    if (name == "current") {
      *out = items_[at_];
    } else if (name == "next") {
      *out = make_function("next", [self = self_.lock()](Evaluator&, Arguments) {
        return self->items_[std::exchange(self->at_, (self->at_ + 1) % self->items_.size())];
      });
    } else if (name == "reset") {
      *out = make_function("reset", [self = self_.lock()](Evaluator&, Arguments) {
        self->at_ = 0;
        return Value::none();
      });
    } else {
      return false;
    }
    return true;
  }
  void set_self(const std::shared_ptr<Cycler>& self) { self_ = self; }

 private:
  Values items_;
  std::size_t at_ = 0;
  std::weak_ptr<Cycler> self_;
};

Value make_cycler(Evaluator& /*evaluator*/, Arguments arguments) {
  if (arguments.positional.empty()) {
    raise(FailureKind::Runtime, "at least one item has to be provided");
  }
  const auto cycler = std::make_shared<Cycler>(std::move(arguments.positional));
  cycler->set_self(cycler);
  return Value::object(cycler);
}

Value make_joiner(Evaluator& /*evaluator*/, Arguments arguments) {
  const Bound bound("joiner", std::move(arguments), {"sep"});
  const Value separator = bound.value_or(0, Value::text(", "));
  return make_function(
      "joiner",
      [separator, used = std::make_shared<bool>(false)](Evaluator&, Arguments) {
        return std::exchange(*used, true) ? separator : Value::text("");
      },
      separator.depth());
}

Value raise_exception(Evaluator& evaluator, Arguments arguments) {
  const Bound bound("raise_exception", std::move(arguments), {"message"}, 1);
  throw TemplateFailure(FailureKind::Raised, to_text(evaluator, bound.at(0)));
}

/// Formats of the C library in the C locale, which is what Python uses.
Value strftime_now(Evaluator& evaluator, Arguments arguments) {
  const Bound bound("strftime_now", std::move(arguments), {"format"}, 1);
  const std::string& format = bound.text(0);
  for (std::size_t i = 0; i + 1 < format.size(); i += format[i] == '%' ? 2U : 1U) {
    constexpr std::string_view kKnown = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyY%-";
    const bool dash = format[i] == '%' && format[i + 1] == '-' && i + 2 < format.size();
    if (format[i] == '%' && kKnown.find(format[i + (dash ? 2 : 1)]) == kKnown.npos) {
      raise(FailureKind::Unsupported, "%{} in strftime_now",
            sanitize_utf8(format.substr(i + 1, 1)));
    }
  }
  std::string out(format.size() * 32 + 64, '\0');
  evaluator.budget().bytes(out.size());
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &evaluator.now()));
  return Value::text(std::move(out));
}

Value lipsum(Evaluator& /*evaluator*/, Arguments /*arguments*/) {
  raise(FailureKind::Unsupported, "lipsum(), whose text is random");
}

}  // namespace

std::shared_ptr<Scope> make_globals() {
  auto scope = std::make_shared<Scope>();
  scope->set("range", make_function("range", make_range));
  scope->set("dict", make_function("dict", make_dict));
  scope->set("namespace", make_function("namespace", make_namespace));
  scope->set("cycler", make_function("cycler", make_cycler));
  scope->set("joiner", make_function("joiner", make_joiner));
  scope->set("lipsum", make_function("lipsum", lipsum));
  scope->set("raise_exception", make_function("raise_exception", raise_exception));
  scope->set("strftime_now", make_function("strftime_now", strftime_now));
  return scope;
}

}  // namespace cajal::jinja
