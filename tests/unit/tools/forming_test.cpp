#include "cluster/forming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::server {
namespace {

using ::testing::HasSubstr;
using Kind = FormingStep::Kind;
using Answers = std::map<NodeId, Result<Hello>>;

Uuid uuid(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

Newcomer newcomer(std::uint32_t node) { return {.node = NodeId{node}, .nodes = 4, .list_hash = 7, .drive_count = 4}; }

Hello fresh(std::uint32_t node, std::uint16_t drives = 4) {
  return {.node = NodeId{node}, .list_hash = 7, .drive_count = drives};
}

/// The answers of all nodes but `self`, all of them fresh.
Answers all_fresh(std::uint32_t self) {
  Answers answers;
  for (std::uint32_t node = 1; node <= 4; ++node) {
    if (node != self) answers.emplace(NodeId{node}, fresh(node));
  }
  return answers;
}

Hello member(std::uint32_t node) {
  Hello hello = fresh(node);
  hello.cluster = uuid(9);
  hello.begun = true;
  hello.drives_total = 16;
  hello.shape = erasure::Shape{4, 2};
  hello.yours = {DriveIndex{8}, DriveIndex{9}, DriveIndex{10}, DriveIndex{11}};
  return hello;
}

std::string refusal(const Result<FormingStep>& step) { return step ? "accepted" : step.error().message; }

TEST(Forming, BeginsOnNodeOneWhenAllOthersAreFresh) {
  const auto step = next_step(newcomer(1), all_fresh(1));
  ASSERT_TRUE(step) << refusal(step);
  EXPECT_EQ(step->kind, Kind::begin);
  EXPECT_EQ(step->shape, (erasure::Shape{4, 2}));
  EXPECT_EQ(step->drives_total, 16);
  EXPECT_EQ(step->own, (std::vector{DriveIndex{0}, DriveIndex{1}, DriveIndex{2}, DriveIndex{3}}));
}

TEST(Forming, BeginsOnNoOtherNode) {
  for (std::uint32_t node = 2; node <= 4; ++node) {
    EXPECT_EQ(next_step(newcomer(node), all_fresh(node))->kind, Kind::wait);
  }
}

TEST(Forming, WaitsForEveryNodeAndSaysForWhich) {
  for (std::uint32_t node = 2; node <= 4; ++node) {
    auto answers = all_fresh(1);
    answers.erase(NodeId{node});
    EXPECT_EQ(next_step(newcomer(1), answers)->kind, Kind::wait);
    answers.emplace(NodeId{node}, Errc::drive_unreachable);
    const auto step = next_step(newcomer(1), answers);
    EXPECT_EQ(step->kind, Kind::wait);
    EXPECT_THAT(step->why, HasSubstr("node " + std::to_string(node)));
  }
}

TEST(Forming, SaysThatAKeyOrVersionIsAnother) {
  auto answers = all_fresh(1);
  answers.insert_or_assign(NodeId{3}, Errc::access_denied);
  answers.insert_or_assign(NodeId{4}, Errc::unsupported_version);
  EXPECT_THAT(next_step(newcomer(1), answers)->why, HasSubstr("node 3 has another cluster key"));
  EXPECT_THAT(next_step(newcomer(1), answers)->why, HasSubstr("node 4 runs a version"));
  answers = all_fresh(2);
  answers.insert_or_assign(NodeId{1}, Errc::access_denied);
  EXPECT_THAT(next_step(newcomer(2), answers)->why, HasSubstr("node 1 has another cluster key"));
}

TEST(Forming, DoesNotBeginWithANodeThatHasAnotherList) {
  auto answers = all_fresh(1);
  answers.at(NodeId{2})->list_hash = 8;
  EXPECT_THAT(next_step(newcomer(1), answers)->why, HasSubstr("another list"));
}

TEST(Forming, NeverBeginsAgainWhenAnyNodeHasBegun) {
  auto answers = all_fresh(1);
  answers.at(NodeId{4})->begun = true;  // Its map does not name this node's drives.
  answers.at(NodeId{4})->cluster = uuid(9);
  EXPECT_EQ(next_step(newcomer(1), answers)->kind, Kind::wait);
  answers.insert_or_assign(NodeId{4}, member(4));
  EXPECT_EQ(next_step(newcomer(1), answers)->kind, Kind::join) << "node 1 was wiped";
}

TEST(Forming, JoinsWhoeverNamesTheClusterAndItsDrives) {
  Answers answers;
  answers.emplace(NodeId{2}, member(2));
  const auto step = next_step(newcomer(3), answers);
  ASSERT_TRUE(step) << refusal(step);
  EXPECT_EQ(step->kind, Kind::join);
  EXPECT_EQ(step->cluster, uuid(9));
  EXPECT_EQ(step->drives_total, 16);
  EXPECT_EQ(step->own.front(), DriveIndex{8});
}

TEST(Forming, RefusesAForeignCluster) {
  auto self = newcomer(3);
  self.cluster = uuid(1);
  Answers answers;
  answers.emplace(NodeId{2}, member(2));
  EXPECT_THAT(refusal(next_step(self, answers)), HasSubstr("different clusters"));
  auto other = member(4);
  other.cluster = uuid(8);
  answers.emplace(NodeId{4}, other);
  EXPECT_THAT(refusal(next_step(newcomer(3), answers)), HasSubstr("node 2 and node 4"));
}

TEST(Forming, GoesOnWithAStartThatWasCutShort) {
  auto self = newcomer(1);
  self.cluster = uuid(9);
  self.drives_total = 16;
  auto answers = all_fresh(1);
  answers.at(NodeId{2})->cluster = uuid(9);
  const auto step = next_step(self, answers);
  ASSERT_TRUE(step) << refusal(step);
  EXPECT_EQ(step->kind, Kind::begin);
  EXPECT_EQ(step->cluster, uuid(9));
  self.drives_total = 15;
  EXPECT_THAT(refusal(next_step(self, answers)), HasSubstr("counted 15"));
}

TEST(Forming, RefusesRecordsWithoutMetadata) {
  auto self = newcomer(1);
  self.has_records = true;
  EXPECT_THAT(refusal(next_step(self, all_fresh(1))), HasSubstr("hold records"));
}

TEST(Forming, RefusesACodingThatANodesLossWouldBreak) {
  auto self = newcomer(1);
  self.shape = erasure::Shape{8, 2};
  EXPECT_THAT(refusal(next_step(self, all_fresh(1))), HasSubstr("3 shards on one"));
  self.shape = erasure::Shape{2, 2};
  EXPECT_EQ(next_step(self, all_fresh(1))->shape, (erasure::Shape{2, 2}));
}

TEST(Forming, RefusesAnotherNumberOfDrivesThanTheClusterKnows) {
  auto self = newcomer(3);
  self.drive_count = 5;
  Answers answers;
  answers.emplace(NodeId{2}, member(2));
  EXPECT_THAT(refusal(next_step(self, answers)), HasSubstr("with 4 drives, and 5 are named"));
}

TEST(Forming, NumbersDrivesNodeByNode) {
  const std::vector<std::uint16_t> counts{2, 3, 1};
  EXPECT_EQ(drives_of(NodeId{1}, counts), (std::vector{DriveIndex{0}, DriveIndex{1}}));
  EXPECT_EQ(drives_of(NodeId{2}, counts), (std::vector{DriveIndex{2}, DriveIndex{3}, DriveIndex{4}}));
  EXPECT_EQ(drives_of(NodeId{3}, counts), (std::vector{DriveIndex{5}}));
}

TEST(Hello, ReadsBackWhatItSays) {
  Hello hello = member(2);
  hello.drives = {{DriveIndex{4}, uuid(4), true}, {DriveIndex{5}, uuid(5), false}};
  hello.first_open_lease = LeaseId{77};
  hello.serving = hello.leaving = true;
  const auto read = decode_hello(encode(hello));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(encode(*read), encode(hello));
  EXPECT_EQ(read->drives, hello.drives);
  EXPECT_EQ(read->yours, hello.yours);
  EXPECT_EQ(read->first_open_lease, LeaseId{77});
}

TEST(Hello, OfAnOlderReleaseSaysNothingOfLeaving) {
  std::string text = encode(member(2));
  const std::string_view field = ",\"leaving\":false";
  ASSERT_NE(text.find(field), std::string::npos);
  const auto read = decode_hello(text.erase(text.find(field), field.size()));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_FALSE(read->leaving);
}

TEST(Hello, RefusesWhatIsNone) {
  for (const auto* text : {"", "{", "[]", "{}", "{\"release\":\"1\"}", "{\"release\":1,\"node\":-1}"}) {
    EXPECT_EQ(decode_hello(text).code(), Errc::corrupt) << text;
  }
}

TEST(Hello, RefusesAReleaseMoreThanOneApart) {
  Hello hello = fresh(2);
  hello.release = kClusterRelease + 1;
  EXPECT_TRUE(decode_hello(encode(hello)));
  hello.release = kClusterRelease + 2;
  EXPECT_EQ(decode_hello(encode(hello)).code(), Errc::unsupported_version);
}

}  // namespace
}  // namespace firn::server
