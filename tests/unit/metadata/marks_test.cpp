#include <gtest/gtest.h>

#include "machine.h"

/// What is recorded missing of an extent, and what repair takes from it.
namespace firn::metadata {
namespace {

constexpr std::uint32_t kShardOne = 0b10;

class Marks : public testing::Test {
 protected:
  Marks() {
    EXPECT_TRUE(machine_.apply(PutClusterMap{six_drives(1, 1)}));
    extent_ = {machine_.apply_for<LeaseId>(RegisterGateway{Uuid{}}).value(), 1};
    const BucketId bucket = machine_.make_bucket("bucket");
    EXPECT_TRUE(machine_.apply(put_extent(bucket, "key", extent_, 100'000)));
    miss();
  }

  void miss() {
    const std::vector<DegradedExtent> list(1, {.extent = extent_, .missing = kShardOne});
    ASSERT_TRUE(machine_.apply(MarkMissing{list}));
  }
  /// Repair found shard 1 good under this epoch.
  Result<> find_good(std::uint32_t epoch) {
    const std::vector<GoodShards> list(1, {.extent = extent_, .epoch = SetEpoch{epoch}, .shards = kShardOne});
    const Answer answer = machine_.apply(MarkGood{list});
    return answer ? Result<>() : answer.error();
  }
  std::uint64_t below_full_redundancy() const { return query::count_below_full_redundancy(machine_.state).value(); }

  Machine machine_;
  ExtentId extent_;
};

TEST_F(Marks, AreTakenAwayByARepairUnderTheSetsEpoch) {
  EXPECT_EQ(below_full_redundancy(), 1u);
  EXPECT_TRUE(find_good(1));
  EXPECT_EQ(below_full_redundancy(), 0u);
  EXPECT_TRUE(find_good(1)) << "a second time changes nothing";
}

TEST_F(Marks, OfADriveThatTookThePlaceStayWhenTheRepairOfItsPredecessorIsAppliedLate) {
  MapRecord map = six_drives(2, 2);
  map.drives[1].uuid.bytes[0] = 77;
  ASSERT_TRUE(machine_.apply(PutClusterMap{map}));
  miss();  // What the new drive owes.
  EXPECT_EQ(find_good(1).code(), Errc::stale_epoch);
  EXPECT_EQ(below_full_redundancy(), 1u);
  EXPECT_TRUE(find_good(2));
  EXPECT_EQ(below_full_redundancy(), 0u);
}

TEST_F(Marks, AreTakenAwayWithoutAnEpochAsLogsOfBeforeHaveIt) {
  ASSERT_TRUE(machine_.apply(PutClusterMap{six_drives(2, 2)}));
  EXPECT_TRUE(find_good(0));
  EXPECT_EQ(below_full_redundancy(), 0u);
}

}  // namespace
}  // namespace firn::metadata
