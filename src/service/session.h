// What every command on a model needs: the model, its tokenizer and ends, and a device to run on.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "service/options.h"
#include "service/provenance.h"
#include "text/special_ids.h"
#include "text/tokenizer.h"

namespace cajal {

/// One command's model, ready to run. Not for two threads at once.
struct Session {
  std::string name;  // the model, as the user named it; "specimen": none was named
  std::filesystem::path path;
  std::filesystem::path vocab;  // --vocab's file; empty without
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Tokenizer> tokenizer;  // nullptr: there is none
  bool names_only = false;                     // `tokenizer` is --vocab's: it decodes only
  SpecialIds special;
  std::unique_ptr<Backend> backend;
  Precision precision = Precision::F32;
  std::vector<std::string> notes;  // one sentence each, for the user

  std::size_t context() const noexcept { return model->config().context; }
  /// "f32", ...; "f64" on ref.
  std::string precision_name() const;
  /// Hashes model and tokenizer, which takes milliseconds: once a result, not once a token.
  Provenance provenance() const;
};

/// A model as results call it, and where it lies.
struct FoundModel {
  std::string name;
  std::filesystem::path path;
  std::vector<std::string> notes = {};  // as Session's
};

/// What `model` names: the path itself if it exists, else org/name in the local Hugging Face cache;
/// the specimen, with a note that says so, if it is empty. Throws NotFound saying where was looked.
FoundModel find_model(const std::string& model);

/// For --vocab: throws InvalidArgument if the model has a tokenizer of its own.
void check_nameless(const std::string& model, const Tokenizer* tokenizer);

/// The tokenizer of a folder or GGUF file, or nullptr where it has none.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path);

/// Throws InvalidArgument listing the names, Unsupported where this build has no such device.
std::unique_ptr<Backend> make_backend(const std::string& device);

/// Sets the number of threads, loads everything, chooses the precision. Throws what those throw,
/// and Unsupported if the precision asked for is not to be had on the device.
Session open_session(const ModelOptions& options);

/// As the vocabulary spells it; "" without tokenizer.
std::string piece_text(const Tokenizer* tokenizer, TokenId id);

}  // namespace cajal
