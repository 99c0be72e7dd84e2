#include "explain/chart/browser_test.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal::testing {
namespace {

// what in_browser gives to scripts
constexpr const char* kHands = R"(
const click = (id) => {
  const mark = document.getElementById(id);
  mark.scrollIntoView({block: 'center'});
  const r = mark.getBoundingClientRect();
  document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2)
      .dispatchEvent(new MouseEvent('click', {bubbles: true}));
};
const press = (key) => document.activeElement.dispatchEvent(
    new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
const read = () => document.querySelector('aside').innerText;
const say = (text) => { document.getElementById('read').textContent += text + '\n'; };
)";

}  // namespace

bool have_browser() {
  const bool have = std::system("command -v chromium >/dev/null 2>&1") == 0;
  return have_or_skip(have, "browser", "there is no chromium (Debian's package chromium)");
}

std::string in_browser(const std::string& page, const std::string& script, unsigned width) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "page.html";
  write_file(file, page.substr(0, page.rfind("</body>")) + "<pre id=\"read\"></pre><script>" +
                       kHands + script + "</script></body></html>");
  const std::string command = fmt::format(
      "timeout 100 chromium --headless=new --no-sandbox --disable-gpu --no-first-run "
      "--window-size={},900 --user-data-dir='{}' --dump-dom 'file://{}' 2>/dev/null",
      width, (folder / "profile").string(), file.string());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  std::string out;
  std::array<char, 4096> piece{};
  while (pipe && !std::feof(pipe.get())) {
    out.append(piece.data(), std::fread(piece.data(), 1, piece.size(), pipe.get()));
  }
  const std::size_t begin = out.find("<pre id=\"read\">");
  return begin == std::string::npos ? "the browser gave: " + out.substr(0, 500)
                                    : out.substr(begin, out.find("</pre>", begin) - begin);
}

}  // namespace cajal::testing
