// The commands on dictionaries. Private to this folder.
#pragma once

#include <memory>

namespace cajal {

class Command;

// One per file beside this.
std::unique_ptr<Command> make_encode_command();
std::unique_ptr<Command> make_convert_command();
std::unique_ptr<Command> make_measure_command();
std::unique_ptr<Command> make_atlas_command();
std::unique_ptr<Command> make_features_command();
std::unique_ptr<Command> make_explain_command();

}  // namespace cajal
