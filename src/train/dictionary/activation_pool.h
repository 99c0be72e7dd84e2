// Activations of a model at chosen points, shuffled in memory: what dictionaries learn from.
//
// One forward pass serves all layers, and nothing is stored on disk. The pool is filled with whole
// batches, handed out in an order that (seed, filling) gives, and filled again; so where a learning
// stands is the position of its documents before the last filling and the batches used since.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "corpus/mixture.h"
#include "corpus/packing.h"
#include "model/model.h"
#include "train/dictionary/reconstruction.h"

namespace cajal {

struct PoolOptions {
  std::vector<Point> inputs;      // by layer
  std::vector<Point> outputs;     // the same as the input for an SAE
  std::vector<TokenId> left_out;  // <bos>, <eos>, <pad>: their rows are no data
  std::size_t rows = 0;           // of the pool: a multiple of the batch
  std::size_t batch = 4096;       // rows of a step
  std::size_t pass = 2048;        // tokens of one forward pass, unless a document is longer
  std::size_t longest = 0;        // document
  TokenId pad = 0;
  std::uint64_t seed = 0;
  Precision precision = Precision::F32;
};

class ActivationPool {
 public:
  ActivationPool(std::shared_ptr<const Model> model, Backend& backend, PoolOptions options);

  /// Filling number `filling`, of the next documents.
  void fill(Mixture& documents, double progress, std::uint64_t filling);
  /// Of documents from `next` on, at most `rows` rows, in their order.
  void fill(const TokenSource& documents, std::uint64_t& next, std::size_t rows);

  /// Rows there are.
  std::size_t rows() const noexcept { return filled_; }
  std::size_t batches() const noexcept { return filled_ / options_.batch; }
  std::size_t layers() const noexcept { return options_.inputs.size(); }
  /// Rows of layer l as they lie: [rows(), d].
  ConstMatRef x(std::size_t layer) const { return kept(options_.inputs[layer]); }
  ConstMatRef y(std::size_t layer) const { return kept(options_.outputs[layer]); }

  /// mean |row|, of the rows there are; 1 if all are 0.
  static double mean_norm(Backend& backend, ConstMatRef rows);
  /// Multiplies the rows of every layer: SAEs by input_scales alone.
  void scale(std::span<const double> input_scales, std::span<const double> output_scales);

  /// Batch i of the shuffled pool. Valid until the next call.
  struct Rows {
    std::vector<ConstMatRef> x;
    std::vector<ConstMatRef> y;
  };
  const Rows& batch(std::size_t i);

 private:
  struct Place {
    Point point;
    Matrix rows;   // [options.rows, d]
    Matrix batch;  // [options.batch, d]
  };
  Place& place(const Point& point);
  ConstMatRef kept(const Point& point) const;
  void take(const PackedBatch& tokens);
  void shuffle(std::uint64_t filling);

  std::shared_ptr<const Model> model_;
  Backend& backend_;
  PoolOptions options_;
  std::vector<Place> places_;        // each point once
  std::vector<std::int32_t> order_;  // of rows
  std::size_t filled_ = 0;
  std::size_t most_ = 0;  // rows that this filling takes
  Rows rows_;
};

}  // namespace cajal
