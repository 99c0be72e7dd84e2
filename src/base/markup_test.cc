#include "base/markup.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(Markup, IsEscaped) {
  EXPECT_EQ(escaped("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
  EXPECT_EQ(escaped("a\x01\x7f\xff"), "a\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("a\n\tb"), "a\n\tb");
}

}  // namespace
}  // namespace cajal
