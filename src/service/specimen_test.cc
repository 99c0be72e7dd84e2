#include "service/specimen.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

TEST(Specimen, IsLookedForBesideTheInstalledProgramAndInTheSourceTree) {
  EXPECT_THAT(specimen_places("/src/build/release/bin/cajal"),
              ElementsAre("/src/build/release/share/cajal/specimen/model",
                          "/src/build/release/specimen/model", "/src/build/specimen/model",
                          "/src/specimen/model"));
}

TEST(Specimen, IsNotLookedForAboveTheRoot) {
  EXPECT_THAT(specimen_places("/bin/cajal"),
              ElementsAre("/share/cajal/specimen/model", "/specimen/model"));
}

TEST(Specimen, IsTheFirstPlaceThatHoldsAConfiguration) {
  const testing::TemporaryFolder folder;
  fs::create_directories(folder / "empty");
  fs::create_directories(folder / "model");
  fs::create_directories(folder / "other");
  write_file(folder / "model" / "config.json", "{}");
  write_file(folder / "other" / "config.json", "{}");
  const std::vector<fs::path> places = {folder / "none", folder / "empty", folder / "model",
                                        folder / "other"};
  EXPECT_EQ(first_model(places), folder / "model");
  EXPECT_EQ(first_model(std::span(places).first(2)), std::nullopt);
}

}  // namespace
}  // namespace cajal
