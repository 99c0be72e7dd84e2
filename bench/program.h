// Other programs of this project, run as a user runs them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cajal::bench {

/// The program `name` in the folder of this one; nullopt if it is not there.
std::optional<std::filesystem::path> sibling_program(const std::string& name);

/// Runs command[0] with the rest as its arguments, without its standard output, to its end. Its
/// exit status; -1 if it did not start or did not end by itself.
int run_program(std::vector<std::string> command);

}  // namespace cajal::bench
