// Pages in a headless Chromium: what a script finds there.
#pragma once

#include <string>

namespace cajal::testing {

/// Whether there is one; fails the test where CAJAL_REQUIRE asks for "browser" and there is none.
bool have_browser();

/// A page in a window so many pixels wide, with a script at its end: what that has said. For it:
/// click(id) what is under the middle of a mark, as a mouse would; press(key) where the focus is;
/// read() the panel that is shown; say(text).
std::string in_browser(const std::string& page, const std::string& script, unsigned width = 1280);

}  // namespace cajal::testing
