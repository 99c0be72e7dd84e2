// What stages of a decoding chain are made from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "text/decoders.h"

namespace cajal {

using Stage = std::unique_ptr<DecodeStage>;

/// For stages that need a token whole.
class WholeTokens : public DecodeStage {
 public:
  explicit WholeTokens(Stage next) : next_(std::move(next)) {}
  void chunk(std::string_view text) override { token_ += text; }
  void end_token() override {
    token(token_);
    token_.clear();
  }
  void finish() override {
    last();
    next_->finish();
  }

 protected:
  virtual void token(const std::string& text) = 0;
  virtual void last() {}
  void pass(std::string_view text) {
    next_->chunk(text);
    next_->end_token();
  }
  DecodeStage& next() { return *next_; }

 private:
  Stage next_;
  std::string token_;
};

}  // namespace cajal
