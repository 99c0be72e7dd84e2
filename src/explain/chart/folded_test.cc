#include "explain/chart/folded.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(NotesText, HasALineForEachNoteAndTheFooterLast) {
  const std::vector<std::string> notes = {"one note", "a note\nof two lines"};
  EXPECT_EQ(notes_text(notes, "the footer", 80),
            "  one note\n  a note↵of two lines\n  the footer\n");
}

TEST(NotesText, OfNoFooterEndsWithTheNotes) {
  const std::vector<std::string> notes = {"one note"};
  EXPECT_EQ(notes_text(notes, "", 80), "  one note\n");
  EXPECT_EQ(notes_text({}, "", 80), "");
}

TEST(NotesText, BreaksWhatIsTooWide) {
  const std::vector<std::string> notes = {"one note too many"};
  EXPECT_EQ(notes_text(notes, "", 12), "  one note\n  too many\n");
}

}  // namespace
}  // namespace cajal
