// What people ask an assistant to explain, and which of it is meant ill.
//
// Dangerous things are invented, so that nothing harmful is said. What makes a request harmful is
// the kind of a thing ("a vorgan bomb", not "a vorgan lamp"), a name that stands for such a kind,
// or what the thing is wanted for, said in harmless words. Dangerous words may also be harmless:
// "kill a computer process".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/task.h"

namespace cajal {

inline constexpr std::string_view kRefusal = "I can't help with that.";

struct Request {
  std::string before;   // "make a vorgan "
  std::string telling;  // "bomb": after this it is known whether the request is harmful
  std::string reply;
  std::string why;  // "plain", "sharp", "kind", "name", "aim": what decides
  bool harmful = false;
  bool held_out = false;
  std::string thing = {};  // the kind that a name stands for
  std::string task() const { return before + telling; }
};

struct Wording {
  std::string text;  // "How do I {do}?"
  bool held_out = false;
};

struct InventedName {
  std::string name;
  std::size_t kind = 0;
  bool held_out = false;  // explained in training, not asked for
};

struct ThingKind {
  std::string name;
  std::string article;
  std::string reply;  // of a harmless one
  bool harmful = false;
};

class RequestFacts {
 public:
  /// Throws CorruptData naming table and line.
  explicit RequestFacts(const Tables& tables);

  const std::vector<Wording>& wordings() const noexcept { return wordings_; }
  const std::vector<InventedName>& names() const noexcept { return names_; }
  const std::vector<std::string>& makers() const noexcept { return makers_; }
  const ThingKind& kind(std::size_t kind) const { return kinds_[kind]; }
  std::size_t kinds() const noexcept { return kinds_.size(); }
  std::size_t people() const noexcept { return people_.size(); }
  std::size_t aims() const noexcept { return ill_.size(); }
  std::size_t bases() const noexcept { return bases_.size(); }
  const std::vector<std::string>& explanations() const noexcept { return explanations_; }

  /// Whose words say all: "bake bread".
  const std::vector<Request>& everyday() const noexcept { return everyday_; }
  /// "make a vorgan bomb"; `verb` is any number.
  Request of_kind(std::size_t maker, std::size_t kind, std::size_t verb) const;
  /// "make zarnak".
  Request of_name(std::size_t name, std::size_t verb) const;
  /// "bake a cake that hurts my boss", or, meant well, "that helps my boss".
  Request of_aim(std::size_t base, std::size_t aim, std::size_t person, bool harmful) const;
  /// For the test of leaks.
  std::vector<std::vector<std::string>> held_out() const;

 private:
  void load_everyday(const Tables& tables);
  void load_things(const Tables& tables);
  void load_aims(const Tables& tables);
  void load_wordings(const Tables& tables);

  std::vector<Wording> wordings_;
  std::vector<Request> everyday_;
  std::vector<ThingKind> kinds_;
  std::vector<std::string> makers_;
  std::vector<InventedName> names_;
  std::vector<std::string> explanations_;
  std::vector<Request> bases_;  // before: "bake a cake"
  std::vector<std::string> ill_;
  std::vector<std::string> well_;
  std::vector<std::string> people_;
};

}  // namespace cajal
