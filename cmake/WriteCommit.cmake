# Run at every build: writes OUTPUT, a source that holds the git commit, when that changed, so that
# a new commit recompiles one small file. Without git or outside a clone the commit is "unknown".
find_program(GIT git)
set(COMMIT "")
if(GIT)
  execute_process(COMMAND ${GIT} rev-parse --short=12 HEAD WORKING_DIRECTORY ${SOURCE_DIR}
                  OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT COMMIT)
  set(COMMIT "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "base/version.h"

namespace cajal {

std::string_view git_commit() noexcept {
  return "@COMMIT@";
}

}  // namespace cajal
]] @ONLY)
