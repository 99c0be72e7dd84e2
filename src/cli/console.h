// Where a command's words go: results to standard output or -o FILE, the rest to standard error.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "service/provenance.h"

namespace cajal {

/// The flags that every command has.
struct OutputFlags {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool force = false;
  std::string output;
};

/// Throws InvalidArgument if the file exists and --force was not given, or is no file that could be
/// replaced; and what AtomicFile throws if none can be made there.
void check_free(const std::string& file, bool force);

/// Whether a result that goes to this file is to be a picture.
bool is_picture(const std::string& file);

class Console {
 public:
  explicit Console(OutputFlags flags) : flags_(std::move(flags)) {}

  const OutputFlags& flags() const noexcept { return flags_; }
  bool json() const noexcept { return flags_.json; }
  /// From now on write() goes to -o FILE, if one was given. Throws as check_free.
  void open_output();
  /// At once: results are seen while work goes on. Throws ResourceExhausted if it cannot be
  /// written.
  void write(std::string_view text);
  /// One line, in the envelope.
  void write_result(std::string_view command, const Provenance& provenance, Json result);
  /// For the user's eyes, on standard error; nothing with -q.
  void note(std::string_view sentence) const;
  /// The same, only with -v.
  void detail(std::string_view sentence) const;
  /// Makes the -o file appear. To be called when all went well.
  void finish();

 private:
  OutputFlags flags_;
  std::unique_ptr<AtomicFile> file_;
};

}  // namespace cajal
