// Removing, recycling, rewriting, and a full drive.

#include <gtest/gtest.h>

#include <set>

#include "drive_rig.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kLarge = 512 << 10;

std::vector<ExtentId> extents(std::uint64_t from, std::uint64_t to) {
  std::vector<ExtentId> ids;
  for (std::uint64_t i = from; i < to; ++i) ids.push_back(key_of(i).extent);
  return ids;
}

void append_all(DriveRig& rig, std::uint64_t from, std::uint64_t to, std::uint32_t stored_bytes) {
  for (std::uint64_t i = from; i < to; ++i) ASSERT_TRUE(rig.append(key_of(i), stored_bytes)) << i;
  ASSERT_TRUE(rig.run(rig.drive().sync()));
}

TEST(DriveRemove, ForgetsEveryRecordOfAnExtentAndNoOther) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    for (std::uint32_t stripe = 0; stripe < 4; ++stripe) ASSERT_TRUE(rig.append(key_of(i, stripe, 2), 4096));
  }
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  ASSERT_TRUE(rig.run(rig.drive().remove({key_of(2).extent})));
  ASSERT_TRUE(rig.run(rig.drive().remove({key_of(2).extent}))) << "removing what is gone succeeds";
  for (std::uint32_t stripe = 0; stripe < 4; ++stripe) {
    EXPECT_TRUE(rig.check(key_of(1, stripe, 2), 4096));
    EXPECT_EQ(rig.check(key_of(2, stripe, 2), 4096).code(), Errc::not_found);
    EXPECT_TRUE(rig.check(key_of(3, stripe, 2), 4096));
  }
}

TEST(DriveRemove, ForgetsRecordsThatWereNotFlushedYet) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(key_of(1), 4096));
  ASSERT_TRUE(rig.run(rig.drive().remove({key_of(1).extent})));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  EXPECT_EQ(rig.check(key_of(1), 4096).code(), Errc::not_found);
}

TEST(DriveRemove, CountsAnExtentThatIsNamedTwiceOnce) {
  DriveRig rig(test_seed());
  rig.options().rewrite_bytes_per_second = 0;
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 14, kLarge);
  std::vector<ExtentId> twice = extents(1, 4);
  twice.insert(twice.end(), twice.begin(), twice.end());
  twice.push_back(key_of(4).extent);  // Counted twice, these are the seven records of the first segment.
  ASSERT_TRUE(rig.run(rig.drive().remove(twice)));
  append_all(rig, 100, 150, kLarge);  // Takes whatever is free.
  for (const std::uint64_t i : {0, 5, 6}) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
}

TEST(DriveRemove, IsDurableOnceTheIndexIsSynced) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  append_all(rig, 1, 10, 4096);
  ASSERT_TRUE(rig.run(rig.drive().remove(extents(1, 5))));
  ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  rig.crash();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 1; i < 5; ++i) EXPECT_EQ(rig.check(key_of(i), 4096).code(), Errc::not_found);
  for (std::uint64_t i = 5; i < 10; ++i) EXPECT_TRUE(rig.check(key_of(i), 4096));
}

TEST(DriveList, GivesEveryRecordOnceInKeyOrder) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  std::set<RecordKey> expected;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const RecordKey key =
        key_of((i * 17) % 40 / 4 + 1, static_cast<std::uint32_t>(i % 2), static_cast<std::uint8_t>(i % 4));
    expected.insert(key);
    ASSERT_TRUE(rig.append(key, 4096));
  }
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  std::vector<RecordKey> listed;
  RecordKey after{};
  for (;;) {
    const auto page = rig.run(rig.drive().list(after, 7));
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const RecordInfo& record : *page) {
      EXPECT_EQ(record.stored_bytes, 4096U);
      EXPECT_EQ(record.set, SetId{1});
      listed.push_back(record.key);
    }
    after = page->back().key;
  }
  EXPECT_EQ(listed, std::vector<RecordKey>(expected.begin(), expected.end()));
}

TEST(DriveList, ShowsWhatNoFlushHasBroughtToTheIndex) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (const std::uint64_t i : {1, 3, 5}) ASSERT_TRUE(rig.append_and_sync(key_of(i), 4096));
  for (const std::uint64_t i : {2, 4}) ASSERT_TRUE(rig.append(key_of(i), 4096));
  RecordKey after{};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const auto page = rig.run(rig.drive().list(after, 1));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->size(), 1U);
    after = page->front().key;
    EXPECT_EQ(after, key_of(i));
  }
  EXPECT_TRUE(rig.run(rig.drive().list(after, 1))->empty());
}

TEST(DriveRecover, SaysFromWhichLeaseOnRecordsCameBack) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  RecordKey older = key_of(1), newer = key_of(2);
  older.extent.lease = LeaseId{40};
  newer.extent.lease = LeaseId{41};
  ASSERT_TRUE(rig.append_and_sync(older, 4096));
  ASSERT_TRUE(rig.append_and_sync(newer, 4096));
  ASSERT_TRUE(rig.run(rig.drive().remove({older.extent})));
  ASSERT_TRUE(rig.stop());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, std::nullopt) << "nothing was lost in a clean stop";
  ASSERT_TRUE(rig.stop());
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(older, 4096)) << "a rebuilt index knows nothing of removals";
  EXPECT_EQ(rig.drive().stats().recovered_from, LeaseId{40});
  ASSERT_TRUE(rig.run(rig.drive().recovery_noted()));
  ASSERT_TRUE(rig.append_and_sync(key_of(3), 4096));
  ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  RecordKey last = key_of(4);
  last.extent.lease = LeaseId{77};
  ASSERT_TRUE(rig.append_and_sync(last, 4096));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, LeaseId{77}) << "only what lies beyond the index came back";
}

TEST(DriveRecover, SaysAgainWhatARebuildBroughtBackUntilThatIsNoted) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  RecordKey removed = key_of(1);
  removed.extent.lease = LeaseId{40};
  ASSERT_TRUE(rig.append_and_sync(removed, 4096));
  ASSERT_TRUE(rig.run(rig.drive().remove({removed.extent})));
  ASSERT_TRUE(rig.stop());
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  rig.kill();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, LeaseId{40}) << "nobody would ever sweep " << to_string(removed.extent);
  ASSERT_TRUE(rig.stop());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, LeaseId{40}) << "a clean stop notes nothing";
  ASSERT_TRUE(rig.run(rig.drive().recovery_noted()));
  EXPECT_EQ(rig.drive().stats().recovered_from, std::nullopt);
  ASSERT_TRUE(rig.stop());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, std::nullopt);
}

TEST(DriveRecover, SaysAgainWhatAScanBroughtBackUntilThatIsNoted) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  RecordKey removed = key_of(1), later = key_of(2);
  removed.extent.lease = LeaseId{40};
  later.extent.lease = LeaseId{77};
  ASSERT_TRUE(rig.append_and_sync(removed, 4096));
  ASSERT_TRUE(rig.run(rig.drive().remove({removed.extent})));
  rig.crash();
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(later, 4096));
  ASSERT_TRUE(rig.run(rig.drive().sync_index())) << "what came back is in the index from here on";
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, LeaseId{40});
  ASSERT_TRUE(rig.run(rig.drive().recovery_noted()));
  ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().recovered_from, std::nullopt);
}

TEST(DriveRecover, CountsARecordThatWasAppendedTwiceOnce) {
  DriveRig rig(test_seed());
  rig.options().rewrite_bytes_per_second = 0;
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 7, kLarge);                         // One segment,
  ASSERT_TRUE(rig.append_and_sync(key_of(50), kLarge));  // and this begins the next.
  ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(rig.append(key_of(0), 4096));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  rig.crash();
  ASSERT_TRUE(rig.open());
  append_all(rig, 100, 150, kLarge);  // Takes whatever is free.
  EXPECT_TRUE(rig.check(key_of(0), 4096));
  for (std::uint64_t i = 1; i < 7; ++i) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
}

TEST(DriveRecycle, TakesADeadSegmentAgainWithoutGrowing) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t round = 0; round < 20; ++round) {
    append_all(rig, round * 100, round * 100 + 14, kLarge);
    ASSERT_TRUE(rig.run(rig.drive().remove(extents(round * 100, round * 100 + 14))));
  }
  // 140 MiB went through; a few segments of 4 MiB were enough.
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 10; }));
  EXPECT_LE(rig.disk().files().size(), 12U);
}

TEST(DriveRecycle, WaitsForTheGracePeriod) {
  DriveRig rig(test_seed(), {.recycle_grace = std::chrono::hours(1)});
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 14, kLarge);
  ASSERT_TRUE(rig.run(rig.drive().remove(extents(0, 14))));
  append_all(rig, 100, 128, kLarge);
  EXPECT_EQ(rig.drive().stats().segments_recycled, 0U);
}

TEST(DriveRecycle, DoesNotWaitForSegmentsThatDiedBeforeTheStart) {
  DriveRig rig(test_seed(), {.recycle_grace = std::chrono::hours(1)});
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 28, kLarge);
  ASSERT_TRUE(rig.run(rig.drive().remove(extents(0, 14))));
  ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  EXPECT_EQ(rig.drive().stats().segments_recycled, 0U);
  rig.kill();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 2; }));
  for (std::uint64_t i = 14; i < 28; ++i) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
}

TEST(DriveRecycle, NeverBringsBackWhatAnEarlierLifeOfTheSegmentHeld) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t round = 0; round < 6; ++round) {
    append_all(rig, round * 100, round * 100 + 14, kLarge);
    ASSERT_TRUE(rig.run(rig.drive().remove(extents(round * 100, round * 100 + 14))));
    ASSERT_TRUE(rig.run(rig.drive().sync_index()));
  }
  ASSERT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 2; }));
  append_all(rig, 1000, 1003, kLarge);
  rig.crash();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 1000; i < 1003; ++i) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
  for (std::uint64_t round = 0; round < 6; ++round) {
    for (std::uint64_t i = 0; i < 14; ++i) {
      EXPECT_EQ(rig.check(key_of(round * 100 + i), kLarge).code(), Errc::not_found) << round << " " << i;
    }
  }
}

TEST(DriveFull, RefusesAppendsAndRecoversWhenExtentsAreRemoved) {
  DriveRig rig(test_seed(), {.disk_bytes = 32ULL << 20});
  ASSERT_TRUE(rig.open());
  std::uint64_t stored = 0;
  Result<> outcome;
  while ((outcome = rig.append(key_of(stored), kLarge))) {
    ++stored;
    ASSERT_LT(stored, 100U);
  }
  EXPECT_EQ(outcome.code(), Errc::drive_full);
  EXPECT_FALSE(rig.drive().fenced());
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  // Seven segments of 4 MiB fit beside the reserve, one of them is rewriting's, and seven such records fit in each.
  EXPECT_EQ(stored, 6U * 7U);
  for (std::uint64_t i = 0; i < stored; ++i) ASSERT_TRUE(rig.check(key_of(i), kLarge)) << i;

  ASSERT_TRUE(rig.run(rig.drive().remove(extents(0, 14))));
  EXPECT_TRUE(rig.eventually([&rig, stored] { return rig.append(key_of(stored), kLarge).has_value(); }));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  EXPECT_TRUE(rig.check(key_of(stored), kLarge));
}

TEST(DriveFull, KeepsTheReserve) {
  DriveRig rig(test_seed(), {.disk_bytes = 64ULL << 20, .reserve_bytes = 16ULL << 20});
  ASSERT_TRUE(rig.open());
  std::uint64_t stored = 0;
  while (rig.append(key_of(stored), kLarge)) ASSERT_LT(++stored, 200U);
  EXPECT_GE(rig.run(rig.disk().space("/"))->free_bytes, 16ULL << 20);
}

TEST(DriveRewrite, FreesSegmentsThatAreMostlyDeadAndKeepsTheRest) {
  DriveRig rig(test_seed());
  rig.options().rewrite_bytes_per_second = 0;
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 70, kLarge);
  // Every segment keeps one record in seven.
  std::vector<ExtentId> dead;
  for (std::uint64_t i = 0; i < 70; ++i) {
    if (i % 7 != 0) dead.push_back(key_of(i).extent);
  }
  ASSERT_TRUE(rig.run(rig.drive().remove(dead)));
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 7; }));
  for (std::uint64_t i = 0; i < 70; i += 7) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
  EXPECT_LE(rig.run(rig.drive().usage())->allocated_bytes, 24ULL << 20);

  rig.crash();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 70; i += 7) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
  rig.crash();
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 70; i += 7) EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
}

/// Opens the drive and appends until it is full.
void fill_up(DriveRig& rig, std::uint64_t& stored) {
  rig.options().rewrite_bytes_per_second = 0;
  ASSERT_TRUE(rig.open());
  while (rig.append(key_of(stored), kLarge)) ASSERT_LT(++stored, 200U);
  ASSERT_TRUE(rig.run(rig.drive().sync()));
}

TEST(DriveRewrite, MakesRoomOnAFullDrive) {
  DriveRig rig(test_seed(), {.disk_bytes = 48ULL << 20});
  std::uint64_t stored = 0;
  ASSERT_NO_FATAL_FAILURE(fill_up(rig, stored));
  // A third of each segment: no segment is dead, and more than half of each is live.
  std::vector<ExtentId> dead;
  for (std::uint64_t i = 0; i < stored; i += 3) dead.push_back(key_of(i).extent);
  ASSERT_TRUE(rig.run(rig.drive().remove(dead)));
  for (std::uint64_t i = 0; i < dead.size() / 2; ++i) {
    ASSERT_TRUE(rig.eventually([&rig, i] { return rig.append(key_of(1000 + i), kLarge).has_value(); })) << i;
  }
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  for (std::uint64_t i = 0; i < stored; ++i) {
    if (i % 3 != 0) {
      EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
    }
  }
  for (std::uint64_t i = 0; i < dead.size() / 2; ++i) EXPECT_TRUE(rig.check(key_of(1000 + i), kLarge)) << i;
}

TEST(DriveRewrite, RestsWhereItFindsNoRoom) {
  DriveRig rig(test_seed(), {.disk_bytes = 48ULL << 20, .recycle_grace = std::chrono::hours(1)});
  std::uint64_t stored = 0;
  ASSERT_NO_FATAL_FAILURE(fill_up(rig, stored));
  // Two of seven in each segment: what is left of the first fills most of the only free one, that of the second does
  // not fit, and no segment that has died may be taken within the hour.
  std::vector<ExtentId> dead;
  for (std::uint64_t i = 0; i < stored; ++i) {
    if (i % 7 < 2) dead.push_back(key_of(i).extent);
  }
  ASSERT_TRUE(rig.run(rig.drive().remove(dead)));
  ASSERT_NO_FATAL_FAILURE(rig.let_it_run());
  const std::uint64_t before = rig.disk().space_questions();
  EXPECT_EQ(rig.append(key_of(stored), kLarge).code(), Errc::drive_full);
  ASSERT_NO_FATAL_FAILURE(rig.let_it_run());
  EXPECT_LT(rig.disk().space_questions(), before + 20) << "asked once, it tried again and again";
  for (std::uint64_t i = 0; i < stored; ++i) {
    if (i % 7 >= 2) {
      EXPECT_TRUE(rig.check(key_of(i), kLarge)) << i;
    }
  }
}

TEST(DriveRewrite, LeavesASegmentWithADamagedRecordAloneUntilItIsRepaired) {
  DriveRig rig(test_seed());
  rig.options().rewrite_bytes_per_second = 0;
  ASSERT_TRUE(rig.open());
  append_all(rig, 0, 8, kLarge);
  const auto place = rig.place_of(key_of(0));
  rig.disk().flip_bit(place.path, place.offset_bytes + kPageBytes + 77, 1);
  ASSERT_TRUE(rig.run(rig.drive().remove(extents(1, 7))));
  EXPECT_TRUE(rig.eventually([&rig] { return !rig.damaged().empty(); }));
  EXPECT_EQ(rig.damaged()[0].key, key_of(0));
  EXPECT_EQ(rig.drive().stats().segments_recycled, 0U);
  // Repair brings the record anew; what is left of the segment is dead.
  ASSERT_TRUE(rig.append_and_sync(key_of(0), kLarge));
  ASSERT_TRUE(rig.run(rig.drive().remove(extents(7, 8))));
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().segments_recycled >= 1; }));
  EXPECT_TRUE(rig.check(key_of(0), kLarge));
}

TEST(DriveEpoch, RefusesAppendsOfAnOlderOneAlsoAfterARestart) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(key_of(1), 4096));
  ASSERT_TRUE(rig.run(rig.drive().raise_epoch(SetId{1}, SetEpoch{2})));
  ASSERT_TRUE(rig.run(rig.drive().raise_epoch(SetId{1}, SetEpoch{1}))) << "an older one changes nothing";
  EXPECT_EQ(rig.append(key_of(2), 4096).code(), Errc::stale_epoch);
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.append(key_of(2), 4096).code(), Errc::stale_epoch);
  Buffer memory;
  Append append = test_append(key_of(2), 4096, memory);
  append.set_epoch = SetEpoch{2};
  EXPECT_TRUE(rig.run(rig.drive().append(append)));
}

}  // namespace
}  // namespace firn::volume
