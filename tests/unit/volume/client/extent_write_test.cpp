#include <gtest/gtest.h>

#include <array>
#include <set>

#include "fake_cluster.h"
#include "firn/volume/stripe.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

TEST(ExtentWrite, SyncsEveryRecordOfEveryShardBeforeItFinishes) {
  FakeCluster cluster;
  std::uint64_t counter = 0;
  for (const std::size_t length : boundary_lengths()) {
    const ExtentId id = extent_id(++counter);
    const auto written = cluster.put(id, some_bytes(length, length));
    ASSERT_TRUE(written) << length;
    EXPECT_EQ(written->missing, 0U);
    EXPECT_EQ(written->epoch, SetEpoch{1});
    EXPECT_EQ(written->length_bytes, length);
    const StripeGeometry geometry(length, kFourPlusTwo);
    for (std::uint32_t stripe = 0; stripe < geometry.stripes(); ++stripe) {
      for (std::uint8_t shard = 0; shard < 6; ++shard) {
        EXPECT_TRUE(cluster.drive(shard).is_synced({id, stripe, shard})) << length << ": " << stripe << "/" << +shard;
        EXPECT_EQ(cluster.drive(shard).stored({id, stripe, shard}).size(),
                  kPageBytes + geometry.stored_bytes(stripe, shard));
      }
    }
  }
}

TEST(ExtentWrite, SurvivesPowerFailureOnceFinished) {
  FakeCluster cluster;
  const auto bytes = some_bytes(5 * kMiB + 123, 1);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (std::size_t i = 0; i < cluster.drives(); ++i) cluster.drive(i).lose_power();
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST(ExtentWrite, TakesBytesInAnyPortions) {
  FakeCluster cluster;
  const auto bytes = some_bytes(300'001, 2);
  std::uint64_t counter = 0;
  for (const std::size_t step : {std::size_t{1'000}, std::size_t{4096}, std::size_t{65'537}, std::size_t{1} << 30}) {
    const auto written = cluster.put(extent_id(++counter), bytes, step);
    ASSERT_TRUE(written);
    EXPECT_EQ(*cluster.get(*written), bytes);
  }
}

TEST(ExtentWrite, DescribesItselfInEveryHeader) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(9), some_bytes(70'000, 3));
  ASSERT_TRUE(written);
  for (std::uint8_t shard = 0; shard < 6; ++shard) {
    const auto record = cluster.drive(shard).stored({extent_id(9), 0, shard});
    const auto& header = *reinterpret_cast<const RecordHeader*>(record.data());
    EXPECT_TRUE(verify_identity(header, {extent_id(9), 0, shard}));
    EXPECT_EQ(header.set, kSet.value);
    EXPECT_EQ(header.set_epoch, 1U);
    EXPECT_EQ(header.data_shards, 4);
    EXPECT_EQ(header.parity_shards, 2);
    EXPECT_EQ(header.extent_bytes, 70'000U);
    EXPECT_EQ(header.chunk_bytes, 20'480U);
    EXPECT_EQ(header.owner_bucket, kBucket.value);
    EXPECT_GT(header.written_unix_ms, 0U);
  }
}

TEST(ExtentWrite, SyncsOncePerDriveForASmallExtent) {
  FakeCluster cluster;
  ASSERT_TRUE(cluster.put(extent_id(1), some_bytes(64U << 10, 4)));
  for (std::size_t i = 0; i < cluster.drives(); ++i) EXPECT_EQ(cluster.drive(i).syncs(), 1U);
}

Task<> finish_early(Client& client) {
  CO_TRY_LET(const auto writer, client.write(extent_id(1), 4'000, kBucket));
  CO_TRY(co_await writer->window());
  writer->advance(3'999);
  CO_TRY(co_await writer->finish());
  co_return Unit{};
}

TEST(ExtentWrite, RefusesToFinishBeforeThePromisedLength) {
  FakeCluster cluster;
  EXPECT_EQ(cluster.run(finish_early(cluster.client())).code(), Errc::internal);
}

Task<std::size_t> window_when_complete(Client& client) {
  CO_TRY_LET(const auto writer, client.write(extent_id(1), 5'000, kBucket));
  CO_TRY_LET(MutableBytes window, co_await writer->window());
  writer->advance(window.size());
  CO_TRY_LET(window, co_await writer->window());
  writer->advance(window.size());
  CO_TRY_LET(window, co_await writer->window());
  CO_TRY(co_await writer->finish());
  co_return window.size();
}

TEST(ExtentWrite, ClosesItsWindowWhenComplete) {
  FakeCluster cluster;
  EXPECT_EQ(*cluster.run(window_when_complete(cluster.client())), 0U);
}

Task<std::vector<std::size_t>> runs_alongside(Client& client) {
  std::vector<std::size_t> runs;
  CO_TRY_LET(const auto writer, client.write(extent_id(1), 4 * kMiB, kBucket));
  for (int chunk = 0; chunk < 4; ++chunk) {
    CO_TRY_LET(const MutableBytes window, co_await writer->window());
    runs.push_back(writer->alongside().size());
    std::ranges::fill(window, std::byte{7});
    writer->advance(window.size());
  }
  CO_TRY(co_await writer->finish());
  co_return runs;
}

TEST(ExtentWrite, NamesTheChunksAndTheParityThatTheNextBytesWillNeed) {
  FakeCluster cluster;
  EXPECT_EQ(*cluster.run(runs_alongside(cluster.client())), (std::vector<std::size_t>{0, 0, 0, 5}));
}

/// Chunks wait for each other on their way to the parity, as far as there is memory.
TEST(ExtentWrite, AddsEveryChunkToTheParityHoweverMuchMemoryThereIs) {
  constexpr std::uint64_t kRecordBytes = kPageBytes + kMiB;
  for (const erasure::Shape shape : {erasure::Shape{4, 2}, {6, 1}}) {
    for (std::uint64_t to_spare = 0; to_spare < 5; ++to_spare) {
      FakeCluster cluster(
          {.shape = shape, .options = {.admission_bytes_max = (1 + shape.parity + to_spare) * kRecordBytes}});
      std::uint64_t counter = 0;
      for (const std::size_t length : {5 * kMiB / 2, 4 * kMiB + 70'000, 6 * kMiB - 1}) {
        const auto bytes = some_bytes(length, length + to_spare);
        const auto written = cluster.put(extent_id(++counter), bytes);
        ASSERT_TRUE(written);
        EXPECT_EQ(*cluster.get(*written), bytes);
        EXPECT_EQ(cluster.run(cluster.client().verify(whole(*written))).value_or(~0U), 0U)
            << +shape.data << "+" << +shape.parity << ", " << length << " bytes, memory for " << to_spare << " more";
      }
    }
  }
}

Task<> give_up_half_way(Client& client, std::size_t length) {
  CO_TRY_LET(const auto writer, client.write(extent_id(1), length, kBucket));
  for (std::size_t sent = 0; sent < length / 2;) {
    CO_TRY_LET(const MutableBytes window, co_await writer->window());
    writer->advance(window.size());
    sent += window.size();
  }
  co_return Unit{};
}

TEST(ExtentWrite, GivesItsMemoryBackWhenAbandoned) {
  // Room for one stripe at a time: a leak would stop the next writer.
  FakeCluster cluster({.options = {.admission_bytes_max = 4 * kMiB, .admission_wait = std::chrono::seconds(20)}});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.run(give_up_half_way(cluster.client(), 10 * kMiB)));
  EXPECT_TRUE(cluster.put(extent_id(2), some_bytes(10 * kMiB, 5)));
}

TEST(ExtentWrite, PutsShardsOfOneDriveUnderOneSync) {
  FakeCluster cluster;
  ClusterMap map = cluster.map();
  map.version = 2;
  map.sets[kSet].members = {DriveIndex{0}, DriveIndex{0}, DriveIndex{1}, DriveIndex{1}, DriveIndex{2}, DriveIndex{3}};
  cluster.install(map);
  const auto bytes = some_bytes(5 * kMiB, 6);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  EXPECT_EQ(cluster.drive(0).syncs(), 1U);
  EXPECT_EQ(cluster.drive(4).keys().size(), 0U);
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST(ExtentWrite, RoundTripsUnderEveryShape) {
  for (const erasure::Shape shape : {erasure::Shape{1, 1}, {1, 2}, {2, 1}, {3, 2}, {8, 3}, {16, 4}}) {
    FakeCluster cluster({.shape = shape});
    std::uint64_t counter = 0;
    for (const std::size_t length : {std::size_t{1}, std::size_t{65'537}, 3 * kMiB + 1}) {
      const auto bytes = some_bytes(length, length);
      const auto written = cluster.put(extent_id(++counter), bytes);
      ASSERT_TRUE(written) << +shape.data << "+" << +shape.parity;
      EXPECT_EQ(*cluster.get(*written), bytes);
    }
  }
}

TEST(ExtentWrite, GoesToEachOpenSetInTurn) {
  FakeCluster cluster;
  ClusterMap map = cluster.map();
  map.version = 2;
  for (const std::uint32_t id : {2U, 3U, 4U}) {
    map.sets[SetId{id}] = map.sets[kSet];
    map.sets[SetId{id}].id = SetId{id};
  }
  map.sets[SetId{3}].open = false;
  cluster.install(map);
  std::set<SetId> used;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    const auto written = cluster.put(extent_id(i), some_bytes(20'000, i));
    ASSERT_TRUE(written);
    used.insert(written->set);
  }
  EXPECT_EQ(used, (std::set<SetId>{SetId{1}, SetId{2}, SetId{4}}));
}

TEST(ClientMap, IgnoresAnOlderMap) {
  FakeCluster cluster;
  ClusterMap newer = cluster.map();
  newer.version = 5;
  cluster.install(newer);
  ClusterMap older = newer;
  older.version = 4;
  cluster.install(older);
  EXPECT_EQ(cluster.client().map()->version, 5U);
}

}  // namespace
}  // namespace firn::volume::testing
