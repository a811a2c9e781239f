// What is acknowledged while many append, flush, remove and rewrite at once, and what a recycled segment may vouch for.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <future>
#include <map>
#include <random>

#include "drive_rig.h"
#include "shard/segment_format.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kLarge = 512 << 10;
constexpr std::uint64_t kSegmentBytes = 4ULL << 20;

/// Clients of one drive that all run on one io thread, so that what they share needs no lock.
struct Clients {
  Clients(DriveRig& the_rig, std::uint64_t seed) : rig(the_rig), random(seed) {}

  DriveRig& rig;
  std::mt19937_64 random;
  std::uint64_t next = 1;
  std::map<std::uint64_t, std::uint32_t> acknowledged;  ///< Counter and length of what must be there.
  std::uint64_t answers = 0;

  std::uint32_t length() {
    return random() % 8 == 0 ? kChunkBytesMax : static_cast<std::uint32_t>(random() % 32) * kBlockBytes;
  }
};

/// Appends, syncs, and removes more than half of what it has, until the drive fails.
boost::asio::awaitable<void> append_until_failure(Clients& clients) {
  Drive& drive = clients.rig.drive();
  for (int step = 0; step < 200; ++step) {
    const std::uint64_t counter = clients.next++;
    const std::uint32_t stored = clients.length();
    Buffer memory;
    const auto appended = co_await drive.append(test_append(key_of(counter), stored, memory));
    if (!appended) co_return;
    const auto synced = co_await drive.sync();
    if (!synced) co_return;
    clients.acknowledged.emplace(counter, stored);
    ++clients.answers;
    if (clients.random() % 8 < 3) continue;
    auto victim = clients.acknowledged.lower_bound(clients.random() % clients.next);
    if (victim == clients.acknowledged.end()) victim = clients.acknowledged.begin();
    std::vector<ExtentId> extents{key_of(victim->first).extent};
    clients.acknowledged.erase(victim);
    const auto removed = co_await drive.remove(std::move(extents));
    if (!removed) co_return;
  }
}

void run_clients(Clients& clients, int count) {
  std::vector<std::future<void>> running;
  for (int i = 0; i < count; ++i) {
    running.push_back(
        boost::asio::co_spawn(clients.rig.runtime().io(0), append_until_failure(clients), boost::asio::use_future));
  }
  for (auto& client : running) client.get();
}

TEST(DriveSync, AnswersNoneOfManyClientsBeforeItsOwnAppendIsSynced) {
  const std::uint64_t seed = test_seed() + 10;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::uint64_t answers = 0;
  for (std::uint64_t life = 0; life < 16; ++life) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " life " + std::to_string(life));
    DriveRig rig(seed + life, {.disk_bytes = 512ULL << 20});
    rig.options().rewrite_bytes_per_second = 0;
    ASSERT_TRUE(rig.open());
    Clients clients(rig, seed + life);
    rig.disk().cut_power_after(50 + clients.random() % 700);
    run_clients(clients, 6);
    answers += clients.answers;
    rig.crash();
    rig.options().recycle_grace = std::chrono::hours(1);  // Rewriting goes on at once, and the checks below read.
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().detail;
    for (const auto& [counter, stored] : clients.acknowledged) {
      const auto found = rig.check(key_of(counter), stored);
      ASSERT_TRUE(found) << "record " << counter << " of " << stored << " bytes: " << found.error().detail;
    }
  }
  EXPECT_GT(answers, 300U) << "too few answers for this test to show anything";
}

/// Fills and empties segments until several were recycled.
void recycle_segments(DriveRig& rig) {
  std::uint64_t counter = 1'000;
  for (int round = 0; round < 3; ++round) {
    std::vector<ExtentId> extents;
    for (int i = 0; i < 14; ++i, ++counter) {
      ASSERT_TRUE(rig.append(key_of(counter), kLarge));
      extents.push_back(key_of(counter).extent);
    }
    ASSERT_TRUE(rig.run(rig.drive().sync()));
    ASSERT_TRUE(rig.run(rig.drive().remove(extents)));
  }
  ASSERT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 4; }));
}

/// Every record that the index names must be there, whole.
void expect_all_listed_whole(DriveRig& rig) {
  const auto listed = rig.run(rig.drive().list({}, 10'000));
  ASSERT_TRUE(listed);
  for (const RecordInfo& record : *listed) {
    const auto found = rig.check(record.key, record.stored_bytes);
    EXPECT_TRUE(found) << "record " << record.key.extent.counter << ": " << found.error().detail;
  }
}

TEST(DriveRecycle, LetsNoSummaryOfAnEarlierLifeVouchForWhatIsOverwritten) {
  // A rebuild of the index believes a summary without reading its records. The header of a segment's new life is synced
  // before the first record of it may overwrite one of the old life, so that the old summary counts no more.
  const std::uint64_t seed = test_seed() + 20;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (std::uint64_t cut = 0; cut < 36; cut += 3) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " cut " + std::to_string(cut));
    DriveRig rig(seed + cut, {.segment_bytes = kSegmentBytes});
    ASSERT_TRUE(rig.open());
    ASSERT_NO_FATAL_FAILURE(recycle_segments(rig));
    rig.disk().cut_power_after(cut);
    std::uint64_t counter = 1;
    while (rig.append(key_of(counter), kLarge)) ASSERT_LT(++counter, 100U);
    rig.crash();
    rig.delete_index();
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().detail;
    ASSERT_NO_FATAL_FAILURE(expect_all_listed_whole(rig));
  }
}

bool is_sealed(DriveRig& rig, const std::string& path) {
  const auto page = rig.disk().content(path, kSegmentBytes - kPageBytes, sizeof kFooterMagic);
  return std::memcmp(page.data(), &kFooterMagic, sizeof kFooterMagic) == 0;
}

TEST(DriveRecover, NamesNoTornRecordInASummaryThatIsMadeAfterIt) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kBlockBytes));
  rig.disk().inject({.operation = SimDisk::Operation::write, .path_part = ".seg", .fault = SimDisk::Fault::tear});
  ASSERT_TRUE(rig.append(key_of(2), 16 * kBlockBytes));
  ASSERT_TRUE(rig.append_and_sync(key_of(3), kBlockBytes));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().records_torn, 1U);
  const std::string path = rig.place_of(key_of(1)).path;
  for (std::uint64_t i = 10; i < 20; ++i) ASSERT_TRUE(rig.append_and_sync(key_of(i), kLarge));
  ASSERT_TRUE(rig.eventually([&rig, &path] { return is_sealed(rig, path); }));
  ASSERT_TRUE(rig.stop());
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(1), kBlockBytes));
  EXPECT_EQ(rig.check(key_of(2), 16 * kBlockBytes).code(), Errc::not_found);
  EXPECT_TRUE(rig.check(key_of(3), kBlockBytes));
}

}  // namespace
}  // namespace firn::volume
