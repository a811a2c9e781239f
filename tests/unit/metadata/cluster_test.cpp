#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "test_cluster.h"

namespace firn::metadata {
namespace {

std::set<std::string> names(TestCluster& cluster, std::uint32_t node) {
  std::set<std::string> all;
  const Result<std::vector<Bucket>> listed = cluster.run(cluster.client(node).list_buckets("", "", 10'000));
  EXPECT_TRUE(listed) << (listed ? "" : listed.error().detail);
  if (listed) {
    for (const Bucket& bucket : *listed) all.insert(bucket.name);
  }
  return all;
}

Result<Bucket> create(TestCluster& cluster, std::uint32_t node, const std::string& name) {
  return cluster.run(cluster.client(node).create_bucket(name, ""));
}

TEST(Cluster, AnswersReadsOnEveryNodeWithWhatWasWrittenOnAnyBefore) {
  TestCluster cluster(3);
  cluster.begin(3);
  std::set<std::string> written;
  for (std::uint32_t i = 0; i < 30; ++i) {
    const std::string name = "bucket-" + std::to_string(i);
    const Result<Bucket> made = create(cluster, 1 + i % 3, name);
    ASSERT_TRUE(made) << made.error().detail;
    written.insert(name);
    ASSERT_TRUE(cluster.run(cluster.client(1 + (i + 1) % 3).find_bucket(name))) << i;
    ASSERT_TRUE(cluster.run(cluster.client(1 + (i + 2) % 3).find_bucket(name))) << i;
  }
  for (std::uint32_t node = 1; node <= 3; ++node) EXPECT_EQ(names(cluster, node), written);
  EXPECT_EQ(create(cluster, 2, "bucket-7").code(), Errc::bucket_already_owned_by_you);
}

TEST(Cluster, GoesOnWithoutAnyOneNodeAndTakesItBack) {
  TestCluster cluster(3);
  cluster.begin(3);
  std::set<std::string> written;
  for (std::uint32_t away = 1; away <= 3; ++away) {
    cluster.stop(away);
    for (std::uint32_t node = 1; node <= 3; ++node) {
      if (node == away) continue;
      const std::string name = "without-" + std::to_string(away) + "-on-" + std::to_string(node);
      const Result<Bucket> made = create(cluster, node, name);
      ASSERT_TRUE(made) << made.error().detail;
      written.insert(name);
    }
    const Result<> started = cluster.start(away);
    ASSERT_TRUE(started) << started.error().detail;
    EXPECT_EQ(names(cluster, away), written);
  }
}

TEST(Cluster, KeepsEverythingWhenAllNodesStartAgain) {
  TestCluster cluster(3);
  cluster.begin(3);
  ASSERT_TRUE(create(cluster, 1, "kept"));
  for (const bool flush : {false, true}) {
    cluster.options.local.flush_at_stop = flush;
    for (std::uint32_t node = 1; node <= 3; ++node) cluster.stop(node);
    for (std::uint32_t node = 1; node <= 3; ++node) {
      const Result<> started = cluster.start(node);
      ASSERT_TRUE(started) << started.error().detail;
    }
    EXPECT_EQ(names(cluster, 3), std::set<std::string>{"kept"});
  }
}

TEST(Cluster, BringsABehindNodeUpToDateWhileItWritesAfterARestart) {
  TestCluster cluster(3);
  cluster.begin(3);
  std::atomic<int> written = 0;
  std::atomic<int> refused = 0;
  const auto write = [&](std::uint32_t node, int count) {
    for (int i = 0; i < count; ++i) {
      if (!create(cluster, node, "bucket-" + std::to_string(written++))) ++refused;
    }
  };
  for (int round = 0; round < 4; ++round) {
    cluster.stop(3);
    write(1, 20);
    // From here on nobody has in memory what node 3 lacks, and of what is new some is not on drives yet.
    for (const std::uint32_t node : {1U, 2U}) cluster.stop(node);
    for (const std::uint32_t node : {1U, 2U}) ASSERT_TRUE(cluster.start(node));
    std::vector<std::thread> writers;
    for (std::uint32_t i = 0; i < 8; ++i) writers.emplace_back(write, 1 + i % 2, 40);
    const Result<> started = cluster.start(3);
    for (std::thread& writer : writers) writer.join();
    ASSERT_TRUE(started);
    EXPECT_EQ(refused, 0);
    EXPECT_EQ(names(cluster, 3).size(), static_cast<std::size_t>(written));
    for (const std::uint32_t node : {1U, 2U, 3U}) ASSERT_FALSE(cluster.node(node).status().failed) << node;
  }
}

TEST(Cluster, AnswersNothingOnTheSideWithoutMostVoters) {
  TestCluster cluster(3);
  cluster.options.patience = std::chrono::seconds(2);
  cluster.begin(3);
  ASSERT_TRUE(create(cluster, 1, "before"));
  const std::uint32_t old = cluster.leader();
  cluster.network().cut_off(NodeId{old}, 3);
  const Result<Bucket> lonely = create(cluster, old, "lonely");
  ASSERT_FALSE(lonely);
  EXPECT_TRUE(lonely.code() == Errc::ambiguous || lonely.code() == Errc::durability_unavailable);
  EXPECT_EQ(cluster.run(cluster.client(old).find_bucket("before")).code(), Errc::durability_unavailable);
  const std::uint32_t other = old % 3 + 1;
  const Result<Bucket> made = create(cluster, other, "most");
  ASSERT_TRUE(made) << made.error().detail;
  cluster.network().heal();
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.run(cluster.client(old).find_bucket("most")).has_value(); }));
}

TEST(Cluster, LetsNodesInAndMakesThemVoters) {
  TestCluster cluster(4);
  cluster.options.voters_max = 3;
  cluster.begin(1);
  ASSERT_TRUE(create(cluster, 1, "first"));
  for (std::uint32_t node = 2; node <= 4; ++node) {
    const Result<> joined = cluster.join(node);
    ASSERT_TRUE(joined) << joined.error().detail;
  }
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.voters() == 3 && cluster.node(1).members().size() == 4; }));
  for (std::uint32_t node = 1; node <= 4; ++node) {
    EXPECT_EQ(names(cluster, node), std::set<std::string>{"first"});
    const Result<Bucket> made = create(cluster, node, "of-" + std::to_string(node));
    EXPECT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(cluster.run(cluster.client(node).delete_bucket("of-" + std::to_string(node))));
  }
}

TEST(Cluster, FillsAWipedNodeFromASnapshotUnderANewNumber) {
  TestCluster cluster(3);
  cluster.options.entries_kept = 10;
  cluster.begin(3);
  std::set<std::string> written;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "bucket-" + std::to_string(i);
    ASSERT_TRUE(create(cluster, 1 + i % 2, name));
    written.insert(name);
  }
  cluster.wipe(3);
  const Result<> joined = cluster.join(3);
  ASSERT_TRUE(joined) << joined.error().detail;
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.node(3).status().applied_index >= 200; }));
  EXPECT_EQ(names(cluster, 3), written);
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.voters() == 3; }));
  const Result<Node::VerifyReport> verified = cluster.run(cluster.node(3).verify());
  ASSERT_TRUE(verified) << verified.error().detail;
  EXPECT_EQ(verified->problems, 0u);
  // As a voter it can be one of two that go on.
  cluster.stop(1);
  const Result<Bucket> made = create(cluster, 3, "after");
  EXPECT_TRUE(made) << made.error().detail;
  cluster.stop(3);
  ASSERT_TRUE(cluster.start(3));
  written.insert("after");
  EXPECT_EQ(names(cluster, 3), written);
}

TEST(Cluster, GoesOnWhenEveryNodeLosesADrive) {
  TestCluster cluster(3);
  cluster.begin(3);
  ASSERT_TRUE(create(cluster, 1, "before"));
  for (std::uint32_t node = 1; node <= 3; ++node) cluster.node(node).drive_failed(DriveIndex{0});
  for (std::uint32_t node = 1; node <= 3; ++node) {
    EXPECT_TRUE(cluster.wait_until([&] { return cluster.node(node).status().members.size() == 1; }));
  }
  const Result<Bucket> made = create(cluster, 2, "after");
  ASSERT_TRUE(made) << made.error().detail;
  for (std::uint32_t node = 1; node <= 3; ++node) {
    cluster.node(node).drive_returned(DriveIndex{0}, cluster.drive(node, 0));
    EXPECT_TRUE(cluster.wait_until([&] { return cluster.node(node).status().members.size() == 2; }));
  }
  // The drives that came back have everything: the others may go.
  for (std::uint32_t node = 1; node <= 3; ++node) cluster.node(node).drive_failed(DriveIndex{1});
  ASSERT_TRUE(create(cluster, 3, "last"));
  for (std::uint32_t node = 1; node <= 3; ++node) cluster.stop(node);
  for (std::uint32_t node = 1; node <= 3; ++node) {
    const Result<> started = cluster.start(node);
    ASSERT_TRUE(started) << started.error().detail;
  }
  EXPECT_EQ(names(cluster, 1), (std::set<std::string>{"before", "after", "last"}));
}

TEST(Cluster, HandsLeadershipOverWithoutALostWrite) {
  TestCluster cluster(3);
  cluster.begin(3);
  const std::uint32_t first = cluster.leader();
  const std::uint32_t next = first % 3 + 1;
  const Result<> handed = cluster.run(cluster.node(first).transfer_leadership(NodeId{next}));
  ASSERT_TRUE(handed) << handed.error().detail;
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.leader() == next; }));
  EXPECT_TRUE(create(cluster, first, "after"));
}

TEST(Cluster, ChangesItsMembersWhenAsked) {
  TestCluster cluster(3);
  cluster.options.voters_max = 2;
  cluster.begin(3);
  const std::uint32_t leading = cluster.leader();
  const NodeId other{leading % 3 + 1};
  const Result<> changed = cluster.run(cluster.node(leading).change_members(Node::MemberChange::make_learner, other));
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_EQ(cluster.voters(), 2u);
  ASSERT_TRUE(cluster.run(cluster.node(leading).change_members(Node::MemberChange::remove, other)));
  EXPECT_EQ(cluster.node(leading).members().size(), 2u);
  EXPECT_EQ(cluster.run(cluster.node(leading).change_members(Node::MemberChange::make_voter, other)).code(),
            Errc::not_found);
}

std::uint64_t test_seed() {
  const char* given = std::getenv("FIRN_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

/// What one client did: names of its own, so that whoever finds one taken has applied its own proposal twice.
struct Writer {
  std::set<std::string> acknowledged, unknown;
  std::vector<std::string> twice;

  void write(TestCluster& cluster, std::uint32_t node, std::atomic<bool>& stop) {
    for (int i = 0; !stop; ++i) {
      const std::string name = "n" + std::to_string(node) + "-" + std::to_string(i);
      const Result<Bucket> made = create(cluster, node, name);
      if (made) {
        acknowledged.insert(name);
      } else if (made.code() == Errc::ambiguous) {
        unknown.insert(name);
      } else if (made.code() == Errc::bucket_already_owned_by_you) {
        twice.push_back(name);
      }
    }
  }
};

TEST(Cluster, LosesNothingAndAppliesNothingTwiceWhateverTheNetworkDoes) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("FIRN_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  TestCluster cluster(3, seed);
  cluster.options.entries_kept = 50;
  cluster.begin(3);
  cluster.network().disturb(20, std::chrono::milliseconds(10));
  std::atomic<bool> stop{false};
  std::vector<Writer> writers(3);
  std::vector<std::thread> threads;
  for (std::uint32_t node = 1; node <= 3; ++node) {
    threads.emplace_back([&, node] { writers[node - 1].write(cluster, node, stop); });
  }
  for (int round = 0; round < 8; ++round) {
    const NodeId node{static_cast<std::uint32_t>(1 + random() % 3)};
    switch (random() % 3) {
      case 0:
        cluster.network().cut_off(node, 3);
        break;
      case 1:
        cluster.network().cut(node, NodeId{node.value % 3 + 1});
        break;
      default:
        (void)cluster.run(cluster.node(node.value).transfer_leadership({}));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300 + random() % 900));
    cluster.network().heal();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 600));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  cluster.network().disturb(0, std::chrono::milliseconds(0));

  const std::set<std::string> found = names(cluster, 1);
  EXPECT_EQ(names(cluster, 2), found);
  EXPECT_EQ(names(cluster, 3), found);
  std::size_t acknowledged = 0;
  for (const Writer& writer : writers) {
    EXPECT_TRUE(writer.twice.empty()) << writer.twice.front();
    for (const std::string& name : writer.acknowledged) EXPECT_TRUE(found.contains(name)) << name;
    acknowledged += writer.acknowledged.size();
  }
  EXPECT_GT(acknowledged, 20u);
  std::printf("seed %llu: %zu acknowledged\n", static_cast<unsigned long long>(seed), acknowledged);
}

}  // namespace
}  // namespace firn::metadata
