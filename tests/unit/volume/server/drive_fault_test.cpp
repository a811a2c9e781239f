// What a drive does when the disk under it lies or fails. Rows D6 to D9 and D17 of the fault plan.

#include <gtest/gtest.h>

#include <cstring>

#include "drive_rig.h"
#include "shard/sealed_page.h"
#include "shard/segment_format.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kSmall = 8 << 10;
using Fault = SimDisk::Fault;
using Operation = SimDisk::Operation;

TEST(DriveFault, FencesOnAFailedWriteAndSaysSoOnce) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  rig.disk().inject({.operation = Operation::write, .path_part = ".seg", .fault = Fault::fail});
  EXPECT_EQ(rig.append(key_of(2), kSmall).code(), Errc::io_error);
  EXPECT_TRUE(rig.drive().fenced());
  EXPECT_EQ(rig.append(key_of(3), kSmall).code(), Errc::drive_out);
  EXPECT_EQ(rig.run(rig.drive().sync()).code(), Errc::drive_out);
  EXPECT_EQ(rig.run(rig.drive().remove({key_of(1).extent})).code(), Errc::drive_out);
  EXPECT_EQ(rig.run(rig.drive().raise_epoch(SetId{1}, SetEpoch{9})).code(), Errc::drive_out);
  // Verified reads are still welcome.
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  EXPECT_TRUE(rig.eventually([&rig] { return rig.fences().size() == 1; }));
}

TEST(DriveFault, FencesOnAFailedSyncAndNeverTriesItAgain) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  rig.disk().inject({.operation = Operation::sync, .path_part = ".seg", .fault = Fault::fail});
  EXPECT_EQ(rig.run(rig.drive().sync()).code(), Errc::io_error);
  // The next sync of the kernel would succeed; it would be a lie.
  EXPECT_EQ(rig.run(rig.drive().sync()).code(), Errc::drive_out);
  EXPECT_TRUE(rig.drive().fenced());
}

TEST(DriveFault, KeepsServingWhenOneReadFails) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  rig.disk().inject({.operation = Operation::read, .path_part = ".seg", .fault = Fault::fail});
  EXPECT_EQ(rig.check(key_of(1), kSmall).code(), Errc::io_error);
  EXPECT_FALSE(rig.drive().fenced());
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  EXPECT_TRUE(rig.append_and_sync(key_of(2), kSmall));
}

TEST(DriveFault, FindsLostWrites) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(100), kSmall)) << "the segment has been begun: the next write is a record's";
  rig.disk().inject({.operation = Operation::write, .path_part = ".seg", .fault = Fault::lose});
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  EXPECT_EQ(rig.check(key_of(1), kSmall).code(), Errc::corrupt);
  const auto report = rig.run(rig.drive().scrub(0));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->damaged, 1U);
  ASSERT_EQ(rig.damaged().size(), 1U);
  EXPECT_EQ(rig.damaged()[0].key, key_of(1));
}

TEST(DriveFault, FindsTornWrites) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(100), kSmall)) << "the segment has been begun: the next write is a record's";
  rig.disk().inject({.operation = Operation::write, .path_part = ".seg", .fault = Fault::tear});
  ASSERT_TRUE(rig.append_and_sync(key_of(1), 4 * kSmall));
  EXPECT_EQ(rig.check(key_of(1), 4 * kSmall).code(), Errc::corrupt);
  EXPECT_EQ(rig.run(rig.drive().scrub(0))->damaged, 1U);
}

TEST(DriveFault, FindsMisdirectedWritesAndWhatTheyOverwrote) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  const std::int64_t back = -static_cast<std::int64_t>(kPageBytes + kSmall);
  rig.disk().inject(
      {.operation = Operation::write, .path_part = ".seg", .fault = Fault::misdirect, .distance_bytes = back});
  ASSERT_TRUE(rig.append_and_sync(key_of(2), kSmall));
  EXPECT_EQ(rig.check(key_of(1), kSmall).code(), Errc::corrupt);
  EXPECT_EQ(rig.check(key_of(2), kSmall).code(), Errc::corrupt);
  // A scan must not believe it either: it knows where it was to be.
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_FALSE(rig.check(key_of(2), kSmall));
}

TEST(DriveFault, FindsOneFlippedBitInAnyPartOfARecord) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  constexpr std::uint32_t kStored = 16 << 10;
  // Of the header page: magic, checksum, version, set, stored length, nonce, owner, reserved bytes, first and last
  // block checksum, the page's end; then the first and last byte of the payload.
  const std::vector<std::uint64_t> places = {
      0, 9, 16, 24, 64, 80, 112, 130, 512, 520, 2559, 2560, 4095, 4096, 4096 + kStored - 1};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const RecordKey key = key_of(i);
    ASSERT_TRUE(rig.append_and_sync(key, kStored));
    ASSERT_TRUE(rig.check(key, kStored));
    const auto place = rig.place_of(key);
    rig.disk().flip_bit(place.path, place.offset_bytes + places[i], i % 8);
    EXPECT_EQ(rig.check(key, kStored).code(), Errc::corrupt) << "byte " << places[i];
  }
  const auto report = rig.run(rig.drive().scrub(0));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->records, places.size());
  EXPECT_EQ(report->damaged, places.size());
}

TEST(DriveFault, ServesTheNewCopyOnceADamagedRecordWasAppendedAgain) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  const auto place = rig.place_of(key_of(1));
  rig.disk().flip_bit(place.path, place.offset_bytes + kPageBytes, 0);
  ASSERT_FALSE(rig.check(key_of(1), kSmall));
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  ASSERT_TRUE(rig.stop());
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
}

TEST(DriveFault, DropsATailThatIsTornAndKeepsWhatWasSyncedBehindAGap) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  // A record whose write the drive forgot, between two that were synced.
  rig.disk().inject({.operation = Operation::write, .path_part = ".seg", .fault = Fault::lose});
  ASSERT_TRUE(rig.append(key_of(2), kChunkBytesMax));
  ASSERT_TRUE(rig.append_and_sync(key_of(3), kSmall));
  rig.crash();
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  EXPECT_EQ(rig.check(key_of(2), kChunkBytesMax).code(), Errc::not_found);
  EXPECT_TRUE(rig.check(key_of(3), kSmall));
}

TEST(DriveFault, TakesNoSpaceAsFullAndNotAsBroken) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(100), kSmall)) << "the segment has been begun: the next write is a record's";
  rig.disk().inject(
      {.operation = Operation::write, .path_part = ".seg", .fault = Fault::fail, .code = Errc::drive_full});
  EXPECT_EQ(rig.append(key_of(1), kSmall).code(), Errc::drive_full);
  EXPECT_FALSE(rig.drive().fenced());
  EXPECT_TRUE(rig.append_and_sync(key_of(2), kSmall));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(2), kSmall));
}

TEST(DriveFault, RefusesAHeaderOfANewerVersionRatherThanRecycleIt) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
  const auto place = rig.place_of(key_of(1));
  auto bytes = rig.disk().content(place.path, 0, kPageBytes);
  SegmentHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.version = kSegmentVersion + 1;
  seal_page(header);
  rig.disk().overwrite(place.path, 0, std::as_bytes(std::span(&header, 1)));
  rig.crash();
  EXPECT_EQ(rig.open().code(), Errc::unsupported_version);
}

TEST(DriveFault, SurvivesTheLossOfEitherCopyOfASegmentHeader) {
  for (const std::uint64_t copy : {0U, 1U}) {
    DriveRig rig(test_seed());
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.append_and_sync(key_of(1), kSmall));
    rig.disk().flip_bit(rig.place_of(key_of(1)).path, copy * kPageBytes + 40, 3);
    rig.crash();
    rig.delete_index();
    ASSERT_TRUE(rig.open());
    EXPECT_TRUE(rig.check(key_of(1), kSmall)) << "copy " << copy;
  }
}

}  // namespace
}  // namespace firn::volume
