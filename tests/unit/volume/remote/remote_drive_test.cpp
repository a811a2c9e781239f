#include <gtest/gtest.h>

#include <future>

#include "certificates.h"
#include "remote_rig.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kSmall = 8 << 10;

TEST(RemoteDrive, ReadsBackWhatItAppendedAndSynced) {
  RemoteRig rig;
  for (const std::uint32_t bytes : {0U, 4096U, 64U << 10, kChunkBytesMax}) {
    const RecordKey key = key_of(bytes + 1);
    ASSERT_TRUE(rig.append(key, bytes));
    EXPECT_TRUE(rig.check(key, bytes)) << bytes;
  }
  ASSERT_TRUE(rig.run(rig.drive()->sync()));
  EXPECT_EQ(rig.drive()->index(), rig.at_server().drive().index());
}

TEST(RemoteDrive, KeepsWhatWasSyncedWhenTheOtherNodeLosesPower) {
  RemoteRig rig;
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  ASSERT_TRUE(rig.run(rig.drive()->sync()));
  rig.server().withdraw(DriveIndex{1});
  rig.at_server().crash();
  ASSERT_TRUE(rig.at_server().open());
  EXPECT_TRUE(rig.at_server().check(key_of(1), kSmall));
}

TEST(RemoteDrive, GivesTheBlocksThatCoverARange) {
  RemoteRig rig;
  ASSERT_TRUE(rig.append(key_of(1), 64 << 10));
  const auto bytes = rig.run(rig.drive()->read(key_of(1), {10'000, 5'000}));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->first_block, 2U);
  EXPECT_EQ(bytes->blocks().size(), 2 * kBlockBytes);
  const auto& header = bytes->header();
  EXPECT_TRUE(verify_blocks(header, bytes->first_block, bytes->blocks()));
}

TEST(RemoteDrive, TellsFailuresAsTheDriveDoes) {
  RemoteRig rig;
  const auto drive = rig.drive();
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  EXPECT_EQ(rig.run(drive->read(key_of(2), {0, 0})).code(), Errc::not_found);
  EXPECT_EQ(rig.run(drive->read(key_of(1), {kSmall, kSmall})).code(), Errc::invalid_argument);
  EXPECT_EQ(rig.run(drive->read(key_of(1), {kChunkBytesMax, 1})).code(), Errc::invalid_argument);
  ASSERT_TRUE(rig.run(drive->raise_epoch(SetId{1}, SetEpoch{2})));
  EXPECT_EQ(rig.append(key_of(3), kSmall).code(), Errc::stale_epoch);
  rig.at_server().drive().fence(error(Errc::io_error, "the test wants it"));
  EXPECT_EQ(rig.append(key_of(4), kSmall).code(), Errc::drive_out);
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
}

TEST(RemoteDrive, ListsAndRemovesMoreThanFitsOneFrame) {
  RemoteRig rig;
  constexpr std::uint64_t kRecords = 4500;
  std::vector<ExtentId> extents;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    Buffer memory;
    ASSERT_TRUE(rig.at_server().run(rig.at_server().drive().append(test_append(key_of(i), 0, memory))));
    extents.push_back(key_of(i).extent);
  }
  const auto some = rig.run(rig.drive()->list({}, 2500));
  ASSERT_TRUE(some);
  ASSERT_EQ(some->size(), 2500U);
  for (std::uint64_t i = 0; i < some->size(); ++i) ASSERT_EQ((*some)[i].key, key_of(i));
  const auto rest = rig.run(rig.drive()->list(some->back().key, 10'000));
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), kRecords - 2500);
  EXPECT_EQ(rest->back().key, key_of(kRecords - 1));
  EXPECT_EQ(rest->back().set, SetId{1});

  ASSERT_TRUE(rig.run(rig.drive()->remove(extents)));
  ASSERT_TRUE(rig.run(rig.drive()->sync_index()));
  const auto none = rig.run(rig.drive()->list({}, 10));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(RemoteDrive, SaysHowFullItIs) {
  RemoteRig rig;
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  const auto there = rig.at_server().run(rig.at_server().drive().usage());
  const auto here = rig.run(rig.drive()->usage());
  ASSERT_TRUE(there && here);
  EXPECT_GT(here->live_bytes, kSmall);
  EXPECT_EQ(here->live_bytes, there->live_bytes);
  EXPECT_EQ(here->allocated_bytes, there->allocated_bytes);
  EXPECT_EQ(here->capacity_bytes, there->capacity_bytes);
}

TEST(RemoteDrive, ServesManyRequestsAtOnceFromEveryThread) {
  RemoteRig rig;
  const auto drive = rig.drive();
  constexpr std::uint64_t kRecords = 400;
  std::vector<Buffer> memory(kRecords);
  std::vector<std::future<Result<>>> appends;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    const auto bytes = static_cast<std::uint32_t>(i % 9 * kBlockBytes);
    appends.push_back(rig.begin(drive->append(test_append(key_of(i), bytes, memory[i])), i));
  }
  for (auto& append : appends) {
    const auto outcome = append.get();
    ASSERT_TRUE(outcome) << outcome.error().detail;
  }
  std::vector<std::future<Result<RecordBytes>>> reads;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    reads.push_back(rig.begin(drive->read(key_of(i), {0, i % 9 * kBlockBytes}), i / 2));
  }
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    const auto bytes = reads[i].get();
    ASSERT_TRUE(bytes) << bytes.error().detail;
    EXPECT_TRUE(check_record(*bytes, key_of(i), static_cast<std::uint32_t>(i % 9 * kBlockBytes))) << i;
  }
}

TEST(RemoteDrive, GoesOnWithinTheServersMemoryBound) {
  auto options = RemoteRig::defaults();
  options.server.inflight_bytes_max = 3 << 20;
  options.client_threads = 1;
  RemoteRig rig(options);
  const auto drive = rig.drive();
  rig.held().hold(true);
  constexpr std::uint64_t kRecords = 12;
  std::vector<Buffer> memory(kRecords);
  std::vector<std::future<Result<>>> appends;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    appends.push_back(rig.begin(drive->append(test_append(key_of(i), kChunkBytesMax, memory[i]))));
  }
  ASSERT_TRUE(rig.eventually([&] { return rig.held().waiting() == 2; }));
  rig.held().hold(false);
  for (auto& append : appends) EXPECT_TRUE(append.get());
  EXPECT_EQ(rig.held().waiting_max(), 2U);
  for (std::uint64_t i = 0; i < kRecords; ++i) EXPECT_TRUE(rig.check(key_of(i), kChunkBytesMax)) << i;
}

TEST(RemoteDrive, SpeaksTlsWhenThereAreCertificates) {
  const Authority authority("authority");
  auto options = RemoteRig::defaults();
  options.server.identity.tls = authority.issue("node-2");
  options.client.identity.tls = authority.issue("node-1");
  RemoteRig rig(options);
  ASSERT_TRUE(rig.append(key_of(1), kChunkBytesMax));
  ASSERT_TRUE(rig.append(key_of(2), kSmall));
  ASSERT_TRUE(rig.run(rig.drive()->sync()));
  EXPECT_TRUE(rig.check(key_of(1), kChunkBytesMax));
  EXPECT_TRUE(rig.check(key_of(2), kSmall));
}

TEST(RemoteDrive, TrustsNoCertificateOfAnotherAuthority) {
  const Authority authority("authority");
  const Authority other("other");
  auto options = RemoteRig::defaults();
  options.server.identity.tls = authority.issue("node-2");
  options.client.identity.tls = other.issue("node-1");
  RemoteRig rig(options);
  ASSERT_TRUE(rig.eventually([&] { return rig.client().status().at(0).why_not.find("TLS") != std::string::npos; }));
  EXPECT_EQ(rig.openings(), 0U);
}

}  // namespace
}  // namespace firn::volume
