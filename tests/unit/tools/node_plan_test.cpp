#include "cluster/node_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::server {
namespace {

using ::testing::HasSubstr;
using Action = DrivePlan::Action;
using State = volume::DriveInspection::State;

constexpr erasure::Shape kShape{4, 2};
const std::vector<DriveIndex> kOwn{DriveIndex{8}, DriveIndex{9}, DriveIndex{10}};

Uuid uuid(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

FoundDirectory empty(const std::string& path) { return {.path = path, .inspection = {.state = State::empty}}; }

FoundDirectory drive(const std::string& path, std::uint16_t index, std::uint8_t cluster = 1) {
  volume::DriveIdentity identity{.cluster = uuid(cluster),
                                 .drive = uuid(static_cast<std::uint8_t>(index)),
                                 .index = DriveIndex{index},
                                 .shape = kShape,
                                 .drives = 16};
  return {.path = path, .inspection = {.state = State::drive, .identity = identity}, .has_metadata = true};
}

NodeSurvey survey() { return {.cluster = uuid(1), .drives_total = 16, .shape = kShape, .begun = true}; }

std::string refusal(const auto& result) { return result ? "accepted" : result.error().message; }

TEST(NodeSurvey, TellsFreshDirectoriesFromACluster) {
  const auto fresh = survey_drives({empty("/a"), empty("/b")}, std::nullopt);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->cluster, Uuid{});
  EXPECT_FALSE(fresh->begun);
  const auto known = survey_drives({empty("/a"), drive("/b", 9)}, std::nullopt);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->cluster, uuid(1));
  EXPECT_EQ(known->drives_total, 16);
  EXPECT_TRUE(known->begun);
}

TEST(NodeSurvey, RefusesWhatDoesNotBelongTogether) {
  EXPECT_THAT(refusal(survey_drives({drive("/a", 8), drive("/b", 9, 2)}, std::nullopt)),
              HasSubstr("different clusters"));
  EXPECT_THAT(refusal(survey_drives({drive("/a", 8), drive("/b", 8)}, std::nullopt)), HasSubstr("drive 9"));
  EXPECT_THAT(refusal(survey_drives({drive("/a", 8)}, erasure::Shape{2, 1})), HasSubstr("which is fixed"));
  auto foreign = empty("/a");
  foreign.inspection.state = State::foreign;
  EXPECT_THAT(refusal(survey_drives({foreign}, std::nullopt)), HasSubstr("something else"));
}

TEST(NodeSurvey, RefusesAMachineByItselfThatWasNotMadeANode) {
  auto own = drive("/a", 0);
  own.metadata = MetadataKind::cluster;
  EXPECT_EQ(refusal(survey_drives({own}, std::nullopt)), "accepted");
  own.metadata = MetadataKind::single;
  EXPECT_THAT(refusal(survey_drives({own, drive("/b", 1)}, std::nullopt)), HasSubstr("become-cluster"));
}

TEST(NodePlan, FormatsFreshDirectoriesInTheirOrder) {
  const auto plan = plan_node({empty("/c"), empty("/a"), empty("/b")}, survey(), kOwn);
  ASSERT_TRUE(plan) << refusal(plan);
  ASSERT_EQ(plan->places.size(), 3u);
  EXPECT_EQ(plan->places[0].path, "/c");
  EXPECT_EQ(plan->places[0].index, DriveIndex{8});
  EXPECT_EQ(plan->places[2].path, "/b");
  EXPECT_EQ(plan->places[2].index, DriveIndex{10});
  EXPECT_EQ(plan->places[1].action, Action::format);
  EXPECT_EQ(plan->drives, 16);
}

TEST(NodePlan, GivesAnEmptyDirectoryThePlaceThatIsLeft) {
  const auto plan = plan_node({drive("/a", 10), empty("/b"), drive("/c", 8)}, survey(), kOwn);
  ASSERT_TRUE(plan) << refusal(plan);
  EXPECT_EQ(plan->places[1].index, DriveIndex{9});
  EXPECT_EQ(plan->places[1].path, "/b");
  EXPECT_EQ(plan->places[1].action, Action::format);
  EXPECT_EQ(plan->places[0].path, "/c");
  EXPECT_EQ(plan->places[2].action, Action::open);
}

TEST(NodePlan, GoesWithoutWhatCantBeRead) {
  auto broken = empty("/b");
  broken.failure = error(Errc::io_error, "no such device");
  auto unmounted = empty("/c");
  unmounted.unmounted = true;
  const auto plan = plan_node({drive("/a", 8), broken, unmounted}, survey(), kOwn);
  ASSERT_TRUE(plan) << refusal(plan);
  EXPECT_EQ(plan->places[1].action, Action::without);
  EXPECT_EQ(plan->places[1].why, "no such device");
  EXPECT_EQ(plan->places[2].action, Action::without);
}

TEST(NodePlan, RefusesAnotherNodesDrive) {
  EXPECT_THAT(refusal(plan_node({drive("/a", 8), drive("/b", 3), empty("/c")}, survey(), kOwn)),
              HasSubstr("/b is drive 4 of the cluster, which is another node's"));
  EXPECT_THAT(refusal(plan_node({drive("/a", 8)}, survey(), kOwn)), HasSubstr("with 3 drives, and 1 are named"));
}

TEST(OwnDrives, FollowFromAnyThatIsFormatted) {
  EXPECT_EQ(own_drives({empty("/a"), drive("/b", 9), empty("/c")}).value_or({}), kOwn);
  EXPECT_FALSE(own_drives({empty("/a"), empty("/b")}));
  EXPECT_EQ(own_drives({drive("/a", 9), drive("/b", 17)}).value_or({}), (std::vector{DriveIndex{9}, DriveIndex{17}}));
  EXPECT_THAT(refusal(own_drives({drive("/a", 9), drive("/b", 8), empty("/c")})), HasSubstr("another order"));
}

}  // namespace
}  // namespace firn::server
