#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "fake_cluster.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

std::size_t total_reads(FakeCluster& cluster) {
  std::size_t reads = 0;
  for (std::size_t i = 0; i < cluster.drives(); ++i) reads += cluster.drive(i).reads();
  return reads;
}

std::uint64_t total_bytes_read(FakeCluster& cluster) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < cluster.drives(); ++i) bytes += cluster.drive(i).bytes_read();
  return bytes;
}

TEST(ExtentRead, ReturnsWholeExtentsAndAnyRangeBitExact) {
  FakeCluster cluster;
  std::mt19937_64 random(20'261'121);
  std::uint64_t counter = 0;
  for (const std::size_t length : boundary_lengths()) {
    const auto bytes = some_bytes(length, length);
    const auto written = cluster.put(extent_id(++counter), bytes);
    ASSERT_TRUE(written);
    EXPECT_EQ(*cluster.get(*written), bytes) << length;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t offset = random() % length;
      const ByteRange range{offset, 1 + random() % (length - offset)};
      EXPECT_EQ(*cluster.get(*written, range), part_of(bytes, range)) << length << ": " << range.offset;
    }
  }
  EXPECT_TRUE(cluster.damaged().empty());
}

TEST(ExtentRead, JoinsPartsOfSeveralExtentsInOrder) {
  FakeCluster cluster;
  const auto first = some_bytes(3 * kMiB + 5, 1);
  const auto second = some_bytes(10'000, 2);
  const auto one = cluster.put(extent_id(1), first);
  const auto two = cluster.put(extent_id(2), second);
  ASSERT_TRUE(one && two);
  const ByteRange ranges[] = {{100, 2 * kMiB}, {9'000, 1'000}, {0, 0}, {3 * kMiB, 5}};
  auto expected = part_of(first, ranges[0]);
  for (const std::byte byte : part_of(second, ranges[1])) expected.push_back(byte);
  for (const std::byte byte : part_of(first, ranges[3])) expected.push_back(byte);
  EXPECT_EQ(*cluster.get({part(*one, ranges[0]), part(*two, ranges[1]), part(*two, ranges[2]), part(*one, ranges[3])}),
            expected);
}

TEST(ExtentRead, AsksOneDriveForARangeWithinOneChunk) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64 * kMiB, 3);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  const ByteRange range{13 * kMiB + 777, 65'536};
  EXPECT_EQ(*cluster.get(*written, range), part_of(bytes, range));
  EXPECT_EQ(total_reads(cluster), 1U);
  EXPECT_EQ(total_bytes_read(cluster), 65'536U + kPageBytes) << "the blocks around the range, no more";
}

TEST(ExtentRead, YieldsNothingForNoParts) {
  FakeCluster cluster;
  EXPECT_TRUE(cluster.get(std::vector<ExtentPart>{})->empty());
}

Task<std::vector<std::uint64_t>> bytes_read_after_each_step(FakeCluster& cluster, ExtentPart part, int steps) {
  const auto reader = cluster.client().read({part});
  std::vector<std::uint64_t> read;
  for (int i = 0; i < steps; ++i) {
    CO_TRY(co_await reader->next());
    // Reads under way have been asked for: let them end, so that they count.
    for (int turn = 0; turn < 100; ++turn) {
      co_await boost::asio::post(cluster.runtime().io(0), boost::asio::use_awaitable);
    }
    read.push_back(total_bytes_read(cluster));
  }
  co_return read;
}

TEST(ExtentRead, StartsWithOneMiBAndNeverReadsMoreThanFourAhead) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(32 * kMiB, 4));
  ASSERT_TRUE(written);
  const auto read = cluster.run(bytes_read_after_each_step(cluster, whole(*written), 20));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->front(), kMiB) << "a caller that hangs up after the first bytes has cost one chunk";
  for (std::size_t step = 0; step < read->size(); ++step) {
    EXPECT_LE((*read)[step], (step + 4) * kMiB) << "step " << step;
  }
  EXPECT_EQ(read->back(), 23 * kMiB) << "and by now it reads four chunks at once";
}

/// Readers whose callers have taken a first run and don't come back.
Task<std::vector<std::unique_ptr<ExtentReader>>> stalled_readers(FakeCluster& cluster, ExtentPart part, int count) {
  std::vector<std::unique_ptr<ExtentReader>> readers;
  for (int i = 0; i < count; ++i) {
    readers.push_back(cluster.client().read({part}));
    for (int run = 0; run < 2; ++run) {
      CO_TRY(co_await readers.back()->next());
    }
  }
  co_return readers;
}

Task<> drop(std::vector<std::unique_ptr<ExtentReader>> readers) {
  readers.clear();
  co_return Unit{};
}

TEST(ExtentRead, GoesOnInSmallPiecesWhileOthersHoldTheBudget) {
  constexpr std::uint64_t kBudget = 6 * kMiB;
  constexpr std::uint64_t kSmallPiece = 64U << 10;
  constexpr int kStalled = 50;
  FakeCluster cluster({.options = {.read_bytes_max = kBudget}});
  const auto bytes = some_bytes(8 * kMiB + 12'345, 12);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  auto stalled = cluster.run(stalled_readers(cluster, whole(*written), kStalled));
  ASSERT_TRUE(stalled);
  // Each has let go of its first run. Header pages come on top of what was asked for.
  EXPECT_LE(total_bytes_read(cluster), 2 * kBudget + 2 * kStalled * (kSmallPiece + kPageBytes));

  const ByteRange range{kMiB - 5'000, 5 * kMiB};
  EXPECT_EQ(*cluster.get(*written, range), part_of(bytes, range));
  EXPECT_EQ(*cluster.get(*written), bytes);

  ASSERT_TRUE(cluster.run(drop(std::move(*stalled))));
  const auto before = total_reads(cluster);
  EXPECT_EQ(*cluster.get(*written), bytes);
  EXPECT_LE(total_reads(cluster) - before, 12U) << "one read for each chunk: the budget is free again";
}

TEST(ExtentRead, SaysThatAnExtentIsGone) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(6 * kMiB, 5));
  ASSERT_TRUE(written);
  for (std::size_t i = 0; i < cluster.drives(); ++i) cluster.drive(i).forget_all();
  EXPECT_EQ(cluster.get(*written).code(), Errc::not_found);
  EXPECT_TRUE(cluster.damaged().empty()) << "nothing to repair";
}

TEST(ExtentRead, SaysThatAnExtentIsGoneThoughTwoDrivesAreAway) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(kMiB, 6));
  ASSERT_TRUE(written);
  for (std::size_t i = 0; i < cluster.drives(); ++i) cluster.drive(i).forget_all();
  cluster.client().connect(DriveIndex{0}, nullptr);
  cluster.drive(3).fail_reads(Errc::drive_out);
  EXPECT_EQ(cluster.get(*written).code(), Errc::not_found);
}

TEST(ExtentRead, TakesNoDriveThatCantBeReachedForOneThatHasForgotten) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(kMiB, 6));
  ASSERT_TRUE(written);
  for (const std::size_t drive : {0, 1, 2}) cluster.drive(drive).fail_reads(Errc::drive_unreachable);
  for (const std::size_t drive : {3, 4, 5}) cluster.drive(drive).forget_all();
  EXPECT_EQ(cluster.get(*written).code(), Errc::corrupt) << "the three may still have it";
  cluster.drive(2).fail_reads(std::nullopt);
  cluster.drive(2).forget_all();
  EXPECT_EQ(cluster.get(*written).code(), Errc::not_found);
}

TEST(ExtentRead, RefusesRangesPastTheEndAndUnknownSets) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(10'000, 7));
  ASSERT_TRUE(written);
  EXPECT_EQ(cluster.get(*written, {9'000, 1'001}).code(), Errc::internal);
  EXPECT_EQ(cluster.get(*written, {~0ULL, 2}).code(), Errc::internal);
  ExtentPart elsewhere = whole(*written);
  elsewhere.set = SetId{99};
  EXPECT_EQ(cluster.get({elsewhere}).code(), Errc::internal);
}

TEST(ExtentRead, RefusesRecordsOfAnotherGeometry) {
  FakeCluster cluster;
  const auto written = cluster.put(extent_id(1), some_bytes(10'000, 8));
  ASSERT_TRUE(written);
  ExtentPart longer = whole(*written);
  longer.length_bytes = 10'001;
  EXPECT_EQ(cluster.get({longer}).code(), Errc::corrupt);
}

Task<> read_the_beginning(Client& client, ExtentPart part) {
  const auto reader = client.read({part});
  CO_TRY(co_await reader->next());
  CO_TRY(co_await reader->next());
  co_return Unit{};  // With reads under way.
}

TEST(ExtentRead, MayBeGivenUpWithReadsUnderWay) {
  FakeCluster cluster;
  const auto bytes = some_bytes(16 * kMiB, 10);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(cluster.run(read_the_beginning(cluster.client(), whole(*written))));
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST(ExtentRead, MayOutliveTheClient) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 11);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (std::size_t i = 0; i < cluster.drives(); ++i) cluster.drive(i).hang_reads();
  auto reading = cluster.start(get_parts(cluster.client(), {whole(*written)}));
  while (cluster.drive(3).hanging_reads() == 0) std::this_thread::yield();
  cluster.drop_client();
  for (std::size_t i = 0; i < cluster.drives(); ++i) cluster.drive(i).release_reads();
  EXPECT_EQ(*reading.get(), bytes);
}

TEST(ExtentRead, WorksOnEveryIoThread) {
  FakeCluster cluster({.io_threads = 3});
  const auto bytes = some_bytes(5 * kMiB, 9);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  std::vector<std::future<Result<std::vector<std::byte>>>> answers;
  for (std::size_t i = 0; i < 12; ++i) {
    answers.push_back(cluster.start(get_parts(cluster.client(), {whole(*written)}), i % 3));
  }
  for (auto& answer : answers) EXPECT_EQ(*answer.get(), bytes);
}

}  // namespace
}  // namespace firn::volume::testing
