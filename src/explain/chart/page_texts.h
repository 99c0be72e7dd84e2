// The style and the script of the chart's page: explain/chart/page/page.css and page.js, built in.
#pragma once

#include <string_view>

namespace cajal {

std::string_view page_style() noexcept;
std::string_view page_script() noexcept;

}  // namespace cajal
