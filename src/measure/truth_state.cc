// What TruthFeatures keeps in a checkpoint. A member that is added there is to be added here.
#include "measure/truth_features.h"

namespace cajal {
namespace {

template <typename Bins>
void write_bins(const Bins& bins, ByteWriter& out) {
  for (const std::int32_t count : bins) {
    out.signed_number(count);
  }
}

template <typename Bins>
void read_bins(ByteReader& in, Bins& bins) {
  for (std::int32_t& count : bins) {
    count = static_cast<std::int32_t>(in.signed_number());
  }
}

}  // namespace

void TruthFeatures::save(const Feature& feature, ByteWriter& out) {
  out.real(feature.base);
  if (feature.base != 0.0F) {
    for (const auto* bins :
         {&feature.runs[0], &feature.runs[1], &feature.tokens[0], &feature.tokens[1]}) {
      write_bins(*bins, out);
    }
  }
}

void TruthFeatures::restore(ByteReader& in, Feature& feature) {
  feature = {.base = in.real()};
  if (feature.base != 0.0F) {
    for (auto* bins :
         {&feature.runs[0], &feature.runs[1], &feature.tokens[0], &feature.tokens[1]}) {
      read_bins(in, *bins);
    }
  }
}

void TruthFeatures::save(const Label& label, ByteWriter& out) {
  for (const std::size_t half : {0U, 1U}) {
    out.number(label.spans[half]);
    out.number(label.tokens[half]);
  }
  out.number(label.pairs.size());
  for (const auto& [feature, pair] : label.pairs) {
    out.number(feature);
    for (const auto* bins :
         {&pair.hits[0], &pair.hits[1], &pair.beside[0], &pair.beside[1], &pair.inside}) {
      write_bins(*bins, out);
    }
  }
}

void TruthFeatures::restore(ByteReader& in, Label& label) const {
  for (const std::size_t half : {0U, 1U}) {
    label.spans[half] = static_cast<std::size_t>(in.number());
    label.tokens[half] = static_cast<std::size_t>(in.number());
  }
  for (std::size_t left = in.count(); left != 0; --left) {
    const std::uint32_t feature = in.small();
    in.require(feature < features_.size());
    Pair& pair = label.pairs[feature];
    for (auto* bins :
         {&pair.hits[0], &pair.hits[1], &pair.beside[0], &pair.beside[1], &pair.inside}) {
      read_bins(in, *bins);
    }
  }
}

void TruthFeatures::save(ByteWriter& out) const {
  out.number(features_.size());
  for (const Feature& feature : features_) {
    save(feature, out);
  }
  out.number(tokens_[0]);
  out.number(tokens_[1]);
  out.number(labels_.size());
  for (const auto& [name, label] : labels_) {
    out.text(name.first);
    out.text(name.second);
    save(label, out);
  }
}

void TruthFeatures::restore(ByteReader& in) {
  in.require(in.number() == features_.size());
  for (Feature& feature : features_) {
    restore(in, feature);
  }
  tokens_[0] = static_cast<std::size_t>(in.number());
  tokens_[1] = static_cast<std::size_t>(in.number());
  labels_.clear();
  for (std::size_t left = in.count(); left != 0; --left) {
    std::string kind = in.text();
    std::string value = in.text();
    restore(in, labels_[{std::move(kind), std::move(value)}]);
  }
}

}  // namespace cajal
