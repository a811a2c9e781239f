#include <gtest/gtest.h>

#include "drive_rig.h"
#include "shard/drive_format.h"

namespace firn::volume {
namespace {

const std::string kDirectory = DriveRig::kDirectory;

TEST(DriveDirectory, IsNotFormattedTwice) {
  DriveRig rig(test_seed());
  DriveIdentity identity;
  identity.shape = {4, 2};
  EXPECT_EQ(rig.run(Drive::format(rig.disk(), kDirectory, identity)).code(), Errc::already_exists);
}

TEST(DriveDirectory, IsRefusedWhenItHoldsSomethingElse) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.run(rig.disk().make_directories("/sim/other")));
  ASSERT_TRUE(rig.run(rig.disk().replace_small("/sim/other/thesis.tex", "do not lose")));
  EXPECT_EQ(rig.run(Drive::inspect(rig.disk(), "/sim/other"))->state, DriveInspection::State::foreign);
  DriveIdentity identity;
  identity.shape = {4, 2};
  EXPECT_EQ(rig.run(Drive::format(rig.disk(), "/sim/other", identity)).code(), Errc::invalid_argument);
}

TEST(DriveDirectory, ShowsWhetherARecordWasEverWritten) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  EXPECT_FALSE(rig.run(Drive::inspect(rig.disk(), kDirectory))->has_records);
  ASSERT_TRUE(rig.append_and_sync(key_of(1), 8 << 10));
  EXPECT_TRUE(rig.run(Drive::inspect(rig.disk(), kDirectory))->has_records);
}

TEST(DriveDirectory, MayHoldWhatAFileSystemPutsThere) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.run(rig.disk().make_directories("/sim/mount/lost+found")));
  EXPECT_EQ(rig.run(Drive::inspect(rig.disk(), "/sim/mount"))->state, DriveInspection::State::empty);
  EXPECT_EQ(rig.run(Drive::inspect(rig.disk(), "/sim/nowhere"))->state, DriveInspection::State::absent);
  DriveIdentity identity;
  identity.shape = {4, 2};
  EXPECT_TRUE(rig.run(Drive::format(rig.disk(), "/sim/mount", identity)));
}

TEST(DriveDirectory, ShowsTheIdentityItWasFormattedWith) {
  DriveRig rig(test_seed());
  const auto found = rig.run(Drive::inspect(rig.disk(), kDirectory));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->state, DriveInspection::State::drive);
  EXPECT_EQ(found->identity->index, DriveIndex{1});
  EXPECT_EQ(found->identity->drives, 6);
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().identity(), *found->identity);
}

TEST(DriveDirectory, OfAnotherClusterIsRefused) {
  DriveRig rig(test_seed());
  Uuid other;
  other.bytes.fill(9);
  rig.options().cluster = other;
  EXPECT_EQ(rig.open().code(), Errc::corrupt);
}

TEST(DriveDirectory, IsOpenedByOneAtATime) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  const auto first = rig.shared();
  EXPECT_EQ(rig.open().code(), Errc::already_exists);
  ASSERT_TRUE(rig.stop());
  EXPECT_TRUE(rig.open());
}

TEST(DriveDirectory, SurvivesTheLossOfOneCopyOfItsIdentity) {
  DriveRig rig(test_seed());
  const std::string path = kDirectory + "/" + kIdentityFile;
  std::string content = *rig.run(rig.disk().read_small(path));
  content[50] = static_cast<char>(content[50] ^ 1);
  ASSERT_TRUE(rig.run(rig.disk().replace_small(path, content)));
  EXPECT_TRUE(rig.open());
  ASSERT_TRUE(rig.stop());
  content[kPageBytes + 50] = static_cast<char>(content[kPageBytes + 50] ^ 1);
  ASSERT_TRUE(rig.run(rig.disk().replace_small(path, content)));
  EXPECT_EQ(rig.open().code(), Errc::corrupt);
}

TEST(DriveDirectory, LosesItsCleanMarkWhenItIsOpened) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), 4096));
  ASSERT_TRUE(rig.stop());
  EXPECT_TRUE(rig.run(rig.disk().read_small(kDirectory + "/" + kCleanFile)));
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.run(rig.disk().read_small(kDirectory + "/" + kCleanFile)).code(), Errc::not_found);
}

TEST(DriveStop, LetsCallsUnderWayEndAndRefusesLaterOnes) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  const auto drive = rig.shared();
  std::vector<Buffer> memory(20);
  std::vector<std::future<Result<>>> appends;
  for (std::uint64_t i = 0; i < memory.size(); ++i) {
    appends.push_back(boost::asio::co_spawn(rig.runtime().io(0), drive->append(test_append(key_of(i), 8192, memory[i])),
                                            boost::asio::use_future));
  }
  ASSERT_TRUE(rig.stop());
  std::vector<bool> done;
  for (auto& append : appends) done.push_back(append.get().has_value());
  EXPECT_EQ(rig.run(drive->sync()).code(), Errc::drive_out);
  EXPECT_EQ(rig.run(drive->read(key_of(0), {0, 0})).code(), Errc::drive_out);
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < done.size(); ++i) {
    if (done[i]) {
      EXPECT_TRUE(rig.check(key_of(i), 8192)) << i;
    }
  }
}

}  // namespace
}  // namespace firn::volume
