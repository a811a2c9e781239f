// Reading all that a drive holds on schedule.

#include <gtest/gtest.h>

#include <atomic>

#include "drive_rig.h"
#include "firn/base/clock.h"
#include "shard/drive_format.h"

namespace firn::volume {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kLarge = 512 << 10;
constexpr std::uint64_t kRecords = 8;
constexpr std::chrono::milliseconds kHour = 1h;

constexpr const char* kFile = "/firn.scrub";

Uuid drive_uuid() {
  Uuid drive;
  drive.bytes.fill(0xD1);
  return drive;
}

/// What the drive will find when it is opened next: a round that began so long ago.
void set_round(DriveRig& rig, ScrubRound round, std::chrono::milliseconds age) {
  round.begun_unix_ms = system_clock_source().now_unix_ms() - age.count();
  const std::string path = std::string(DriveRig::kDirectory) + kFile;
  ASSERT_TRUE(rig.run(rig.disk().replace_small(path, make_scrub_file(drive_uuid(), round))));
}

/// What the drive left for its next start.
ScrubRound kept_round(DriveRig& rig) {
  const auto content = rig.run(rig.disk().read_small(std::string(DriveRig::kDirectory) + kFile));
  return parse_scrub_file(as_bytes(content.value()), drive_uuid()).value();
}

void fill(DriveRig& rig) {
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 1; i <= kRecords; ++i) ASSERT_TRUE(rig.append(key_of(i), kLarge)) << i;
  ASSERT_TRUE(rig.run(rig.drive().sync()));
}

/// A closed drive whose round is due, with one record damaged.
void fill_and_damage(DriveRig& rig, const RecordKey& key) {
  fill(rig);
  const auto place = rig.place_of(key);
  ASSERT_TRUE(rig.stop());
  rig.disk().flip_bit(place.path, place.offset_bytes + kPageBytes + 77, 3);
  rig.options().scrub_period = kHour;
  set_round(rig, {}, kHour);
}

/// An open drive that has read half of what it holds: no more is due.
void fill_and_read_half(DriveRig& rig) {
  fill(rig);
  ASSERT_TRUE(rig.stop());
  rig.options().scrub_period = kHour;
  set_round(rig, {}, kHour * 6 / 10);
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.eventually([&rig] { return rig.drive().stats().scrub.records == kRecords / 2; }));
}

TEST(DriveScrubSchedule, FindsADamagedRecordUnasked) {
  DriveRig rig(test_seed());
  ASSERT_NO_FATAL_FAILURE(fill_and_damage(rig, key_of(5)));
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().scrub.ended_unix_ms != 0; }));
  ASSERT_EQ(rig.damaged().size(), 1U);
  EXPECT_EQ(rig.damaged()[0].key, key_of(5));
}

TEST(DriveScrubSchedule, ReadsNoMoreThanTheShareOfThePeriodThatHasPassed) {
  DriveRig rig(test_seed());
  ASSERT_NO_FATAL_FAILURE(fill_and_read_half(rig));
  ASSERT_NO_FATAL_FAILURE(rig.let_it_run());
  ASSERT_TRUE(rig.stop());
  EXPECT_EQ(kept_round(rig).records, kRecords / 2) << "read more than was due";
}

TEST(DriveScrubSchedule, GoesOnAfterARestartWhereItWas) {
  DriveRig rig(test_seed());
  ASSERT_NO_FATAL_FAILURE(fill_and_read_half(rig));
  const ScrubRound before = rig.drive().stats().scrub;
  ASSERT_TRUE(rig.stop());
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&] { return rig.drive().stats().scrub == before; }));
  EXPECT_EQ(before.after, key_of(kRecords / 2));
  EXPECT_EQ(rig.drive().stats().scrubbed_bytes, 0U);
  ASSERT_TRUE(rig.stop());
  set_round(rig, before, kHour);
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.eventually([&rig] { return rig.drive().stats().scrub.ended_unix_ms != 0; }));
  EXPECT_EQ(rig.drive().stats().scrubbed_bytes, kRecords / 2 * (kPageBytes + kLarge)) << "some were read twice";
}

TEST(DriveScrubSchedule, ComesAgainToADamagedRecordThatNobodyCouldSeeTo) {
  DriveRig rig(test_seed());
  ASSERT_NO_FATAL_FAILURE(fill_and_damage(rig, key_of(5)));
  std::atomic<int> told{0};
  rig.options().on_damaged = [&told](const DamagedRecord&) { return ++told > 1; };
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&rig] { return rig.drive().stats().scrub.ended_unix_ms != 0; }));
  EXPECT_EQ(told, 2);
  ASSERT_TRUE(rig.stop());
}

TEST(DriveScrubSchedule, WaitsNoLongerForAClockThatWasAhead) {
  DriveRig rig(test_seed());
  rig.options().scrub_period = kHour;
  set_round(rig, {}, -10 * kHour);
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&rig] {
    const UnixMs begun = rig.drive().stats().scrub.begun_unix_ms;
    return begun > 0 && begun <= system_clock_source().now_unix_ms();
  }));
  ASSERT_TRUE(rig.stop());
}

TEST(DriveScrubSchedule, BeginsARoundWhereItsFileIsDamaged) {
  DriveRig rig(test_seed());
  rig.options().scrub_period = kHour;
  const std::string path = std::string(DriveRig::kDirectory) + kFile;
  ASSERT_TRUE(rig.run(rig.disk().replace_small(path, std::string(kPageBytes, 'x'))));
  const UnixMs before = system_clock_source().now_unix_ms();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.eventually([&] { return rig.drive().stats().scrub.begun_unix_ms >= before; }));
  ASSERT_TRUE(rig.stop());
}

}  // namespace
}  // namespace firn::volume
