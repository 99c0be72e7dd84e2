#include "cli/console.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace cajal {
namespace {

void say(std::string_view kind, std::string_view sentence) {
  const std::string line = fmt::format("cajal: {}{}\n", kind, sentence);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void check_free(const std::string& file, bool force) {
  check_replaceable(file);
  std::error_code error;
  check(force || !std::filesystem::exists(file, error),
        "{}: exists already; give another name, or --force to replace it", file);
  const AtomicFile probe(file);  // a folder that cannot be written shows before hours of work
}

bool is_picture(const std::string& file) {
  return file.ends_with(".svg");
}

void Console::open_output() {
  if (!flags_.output.empty()) {
    check_free(flags_.output, flags_.force);
    file_ = std::make_unique<AtomicFile>(flags_.output);
  }
}

void Console::write(std::string_view text) {
  if (file_) {
    file_->write(text);
    return;
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    fail(ErrorCode::ResourceExhausted, "standard output: cannot write: {}", std::strerror(errno));
  }
}

void Console::write_result(std::string_view command, const Provenance& provenance, Json result) {
  write(envelope(command, provenance, std::move(result)).dump() + "\n");
}

void Console::note(std::string_view sentence) const {
  if (!flags_.quiet) {
    say("", sentence);
  }
}

void Console::detail(std::string_view sentence) const {
  if (flags_.verbose && !flags_.quiet) {
    say("", sentence);
  }
}

void Console::finish() {
  if (file_) {
    file_->commit();
    file_.reset();
  }
}

}  // namespace cajal
