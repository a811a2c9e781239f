#include "drive_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::server {
namespace {

using ::testing::HasSubstr;
using Action = DrivePlan::Action;
using State = volume::DriveInspection::State;

Uuid numbered(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes.fill(number);
  return uuid;
}

FoundDirectory in_state(std::size_t place, State state) {
  return {.path = "/d" + std::to_string(place + 1), .inspection = {state, std::nullopt}};
}

FoundDirectory drive(std::size_t place, std::uint16_t index, std::uint8_t cluster = 1) {
  auto found = in_state(place, State::drive);
  found.inspection.identity = volume::DriveIdentity{.cluster = numbered(cluster),
                                                    .drive = numbered(static_cast<std::uint8_t>(100 + index)),
                                                    .index = DriveIndex{index},
                                                    .shape = {4, 2},
                                                    .drives = 6};
  found.has_metadata = true;
  return found;
}

std::vector<FoundDirectory> six_drives() {
  std::vector<FoundDirectory> found;
  for (std::uint16_t i = 0; i < 6; ++i) found.push_back(drive(i, i));
  return found;
}

std::vector<FoundDirectory> all_in(State state, std::size_t count) {
  std::vector<FoundDirectory> found;
  for (std::size_t i = 0; i < count; ++i) found.push_back(in_state(i, state));
  return found;
}

std::string refusal(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked = {}) {
  const auto plan = plan_drives(found, asked);
  return plan ? "accepted" : plan.error().message;
}

TEST(DrivePlan, FormatsAllAtAFirstStart) {
  for (const auto state : {State::absent, State::empty}) {
    const auto plan = plan_drives(all_in(state, 6), {});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->first_start);
    EXPECT_EQ(plan->shape, (erasure::Shape{4, 2}));
    ASSERT_EQ(plan->places.size(), 6u);
    EXPECT_EQ(plan->places[5].action, Action::format);
    EXPECT_EQ(plan->places[5].path, "/d6");
  }
}

TEST(DrivePlan, WantsAShapeForFewerThanSixDrives) {
  EXPECT_THAT(refusal(all_in(State::empty, 4)), HasSubstr("--erasure 3+1"));
  EXPECT_THAT(refusal(all_in(State::empty, 2)), HasSubstr("--erasure 1+1"));
  EXPECT_EQ(refusal(all_in(State::empty, 4), erasure::Shape{2, 2}), "accepted");
}

TEST(DrivePlan, RefusesAShapeWiderThanTheDrives) {
  EXPECT_THAT(refusal(all_in(State::empty, 6), erasure::Shape{6, 2}), HasSubstr("needs 8 drives"));
}

TEST(DrivePlan, NeverTouchesWhatIsForeign) {
  auto found = six_drives();
  found[2] = in_state(2, State::foreign);
  EXPECT_THAT(refusal(found), HasSubstr("/d3 holds something else"));
  auto fresh = all_in(State::empty, 6);
  fresh[0] = in_state(0, State::foreign);
  EXPECT_THAT(refusal(fresh), HasSubstr("/d1 holds something else"));
}

TEST(DrivePlan, OpensDrivesWhereverTheyAreNamed) {
  auto found = six_drives();
  std::swap(found[0], found[5]);
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->first_start);
  EXPECT_EQ(plan->places[0].path, "/d1");  // The path of the drive with index 0, though named last.
  EXPECT_EQ(plan->places[0].drive, numbered(100));
}

TEST(DrivePlan, RefusesDrivesOfTwoClusters) {
  auto found = six_drives();
  found[3] = drive(3, 3, 2);
  EXPECT_THAT(refusal(found), HasSubstr("different clusters"));
}

TEST(DrivePlan, RefusesADriveTwice) {
  auto found = six_drives();
  found[3] = drive(3, 2);
  EXPECT_THAT(refusal(found), HasSubstr("both stand for drive 3"));
}

TEST(DrivePlan, RefusesMoreDirectoriesThanDrives) {
  auto found = six_drives();
  found.push_back(in_state(6, State::empty));
  EXPECT_THAT(refusal(found), HasSubstr("7 directories"));
}

TEST(DrivePlan, RefusesAnotherShapeThanTheFirst) {
  EXPECT_THAT(refusal(six_drives(), erasure::Shape{3, 3}), HasSubstr("fixed"));
  EXPECT_EQ(refusal(six_drives(), erasure::Shape{4, 2}), "accepted");
}

TEST(DrivePlan, StartsWithoutAsManyAsParityCovers) {
  auto found = six_drives();
  found[1] = in_state(1, State::absent);
  found[4].failure = error(Errc::io_error, "Input/output error");
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->places[1].action, Action::without);
  EXPECT_EQ(plan->places[4].action, Action::without);
  EXPECT_THAT(plan->places[4].why, HasSubstr("Input/output error"));
  found[5] = in_state(5, State::absent);
  EXPECT_THAT(refusal(found), HasSubstr("3 of 6 drives are missing"));
  EXPECT_THAT(refusal(found), HasSubstr("/d6, not there"));
}

TEST(DrivePlan, CountsDrivesThatAreNotNamedAsMissing) {
  auto found = six_drives();
  found.pop_back();
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->places[5].action, Action::without);
}

TEST(DrivePlan, FormatsAnEmptyDirectoryAsTheDriveOfItsPlace) {
  auto found = six_drives();
  found[2] = in_state(2, State::empty);
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->places[2].action, Action::format);
  EXPECT_EQ(plan->places[2].path, "/d3");
}

TEST(DrivePlan, CountsReplacementsAgainstTheParityToo) {
  auto found = six_drives();
  for (const std::size_t i : {0u, 1u, 2u}) found[i] = in_state(i, State::empty);
  EXPECT_THAT(refusal(found), HasSubstr("3 of 6 drives are missing"));
}

TEST(DrivePlan, FinishesAFirstStartThatWasCutShort) {
  auto found = all_in(State::absent, 6);
  for (const std::uint16_t i : {1, 3}) {
    found[i] = drive(i, i);
    found[i].has_metadata = false;
  }
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->first_start);
  EXPECT_EQ(plan->cluster, numbered(1));
  EXPECT_EQ(plan->places[0].action, Action::format);
  EXPECT_EQ(plan->places[1].action, Action::open);
  found[1].has_metadata = true;
  EXPECT_THAT(refusal(found), HasSubstr("4 of 6 drives are missing"));
}

TEST(DrivePlan, DoesNotTakeDrivesThatLostTheirMetadataForNewOnes) {
  auto found = six_drives();
  for (auto& directory : found) directory.has_metadata = false;
  EXPECT_FALSE(plan_drives(found, {})->metadata_is_lost);
  found[4].inspection.has_records = true;
  EXPECT_TRUE(plan_drives(found, {})->metadata_is_lost);
}

TEST(DrivePlan, DoesNotStartAClustersNodeAsAMachineByItself) {
  auto found = six_drives();
  found[4].metadata = MetadataKind::single;
  EXPECT_EQ(refusal(found), "accepted");
  found[4].metadata = MetadataKind::cluster;
  EXPECT_THAT(refusal(found), HasSubstr("start its node with --nodes"));
}

TEST(DrivePlan, LeavesAnUnmountedDirectoryAlone) {
  auto found = six_drives();
  found[2] = in_state(2, State::empty);
  found[2].unmounted = true;
  const auto plan = plan_drives(found, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->places[2].action, Action::without);
}

}  // namespace
}  // namespace firn::server
