// The command line: parses it, runs the command, and turns what was thrown into one sentence.
#pragma once

#include <span>

namespace cajal {

/// Exit codes: 0; 1 bad input; 2 wrong usage; 130 interrupted.
int run_program(std::span<char* const> arguments);

}  // namespace cajal
