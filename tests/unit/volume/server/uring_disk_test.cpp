// io_uring, O_DIRECT, flock and RocksDB for real, on the file system that holds the temporary directory.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "drive_rig.h"
#include "shard/drive_format.h"

namespace firn::volume {
namespace {

namespace asio = boost::asio;

class RealDisk : public testing::Test {
 protected:
  RealDisk() : runtime_(2) {
    std::string pattern = testing::TempDir() + "firn-drive-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    runtime_.start();
    auto made = make_uring_disk(runtime_);
    EXPECT_TRUE(made) << made.error().detail;
    disk_ = std::move(made).value();
  }
  ~RealDisk() override {
    runtime_.stop();
    std::filesystem::remove_all(directory_);
  }

  template <class T>
  Result<T> run(Task<T> task, std::size_t thread = 0) {
    return asio::co_spawn(runtime_.io(thread), std::move(task), asio::use_future).get();
  }

  Result<std::shared_ptr<Drive>> format_and_open() {
    DriveIdentity identity;
    identity.shape = {4, 2};
    identity.segment_bytes = 8ULL << 20;
    if (auto formatted = run(Drive::format(*disk_, path(), identity)); !formatted) return std::move(formatted).error();
    return open();
  }
  Result<std::shared_ptr<Drive>> open() { return run(Drive::open(runtime_, *disk_, path(), options_)); }
  std::string path() const { return directory_ + "/a/drive"; }

  Result<> append_range(Drive& drive, std::uint64_t from, std::uint64_t to, std::uint32_t stored) {
    std::vector<Buffer> memory(to - from);
    std::vector<std::future<Result<>>> appends;
    for (std::uint64_t i = from; i < to; ++i) {
      appends.push_back(asio::co_spawn(
          runtime_.io(i % 2), drive.append(test_append(key_of(i), stored, memory[i - from])), asio::use_future));
    }
    Result<> outcome;
    for (auto& append : appends) {
      if (auto done = append.get(); !done) outcome = std::move(done);
    }
    if (!outcome) return outcome;
    return run(drive.sync());
  }

  void expect_range(Drive& drive, std::uint64_t from, std::uint64_t to, std::uint32_t stored) {
    for (std::uint64_t i = from; i < to; ++i) {
      auto bytes = run(drive.read(key_of(i), {0, stored}), i % 2);
      ASSERT_TRUE(bytes) << i << ": " << bytes.error().detail;
      const Buffer expected = test_payload(key_of(i), stored);
      ASSERT_EQ(std::memcmp(bytes->blocks().data(), expected.data(), stored), 0) << i;
    }
  }

  Runtime runtime_;
  std::string directory_;
  std::unique_ptr<Disk> disk_;
  Drive::Options options_;
};

TEST_F(RealDisk, ReadsWhatItWroteInOneOrTwoPieces) {
  auto file = run(disk_->open(directory_ + "/file", Disk::Open::create));
  ASSERT_TRUE(file);
  ASSERT_TRUE(run((*file)->preallocate(1 << 20)));
  Buffer written(64 << 10);
  for (std::size_t i = 0; i < written.size(); ++i) written.data()[i] = static_cast<std::byte>(i / 7);
  ASSERT_TRUE(run((*file)->write(8192, written.view())));
  ASSERT_TRUE(run((*file)->sync()));
  Buffer whole(64 << 10);
  ASSERT_TRUE(run((*file)->read(8192, whole.span())));
  EXPECT_EQ(std::memcmp(whole.data(), written.data(), written.size()), 0);
  Buffer head(4096);
  Buffer rest(60 << 10);
  ASSERT_TRUE(run((*file)->read_two({8192, head.span()}, {12288, rest.span()})));
  EXPECT_EQ(std::memcmp(head.data(), written.data(), 4096), 0);
  EXPECT_EQ(std::memcmp(rest.data(), written.data() + 4096, rest.size()), 0);
  Buffer last(4096);
  ASSERT_TRUE(run((*file)->read_two({8192, head.span()}, {8192 + (60 << 10), last.span()}), 1));
  EXPECT_EQ(std::memcmp(last.data(), written.data() + (60 << 10), 4096), 0);
}

/// Both kinds of memory: what the kernel keeps pinned, and what it has to look for.
TEST_F(RealDisk, ReadsAndWritesLargeAndSmallBuffers) {
  auto file = run(disk_->open(directory_ + "/file", Disk::Open::create));
  ASSERT_TRUE(file);
  ASSERT_TRUE(run((*file)->preallocate(64 << 20)));
  std::vector<Buffer> written;
  std::uint64_t offset = 0;
  for (const std::size_t pages : {1, 15, 16, 17, 257, 64, 2000}) {
    Buffer& buffer = written.emplace_back(pages * kPageBytes);
#if !defined(__SANITIZE_ADDRESS__)  // There all of it is malloc's.
    EXPECT_EQ(Buffer::region_of(buffer.data()).has_value(), pages >= 16);
#endif
    for (std::size_t i = 0; i < buffer.size(); ++i) buffer.data()[i] = static_cast<std::byte>(i / 7 + pages);
    ASSERT_TRUE(run((*file)->write(offset, buffer.view()), written.size() % 2));
    offset += buffer.size();
  }
  offset = 0;
  for (const Buffer& expected : written) {
    Buffer found(expected.size());
    ASSERT_TRUE(run((*file)->read(offset, found.span())));
    EXPECT_TRUE(std::ranges::equal(found.view(), expected.view()));
    if (found.size() > 2 * kPageBytes) {  // From the middle of registered memory into the middle of other.
      Buffer part(kPageBytes);
      ASSERT_TRUE(
          run((*file)->read_two({offset, part.span()}, {offset + kPageBytes, found.span().subspan(kPageBytes)}), 1));
      EXPECT_TRUE(std::ranges::equal(part.view(), expected.view().first(kPageBytes)));
      EXPECT_TRUE(std::ranges::equal(found.view(), expected.view()));
    }
    offset += expected.size();
  }
}

TEST_F(RealDisk, SaysWhatIsNotThere) {
  EXPECT_EQ(run(disk_->open(directory_ + "/nothing", Disk::Open::existing)).code(), Errc::not_found);
  EXPECT_EQ(run(disk_->list(directory_ + "/nothing")).code(), Errc::not_found);
  EXPECT_EQ(run(disk_->read_small(directory_ + "/nothing")).code(), Errc::not_found);
  EXPECT_TRUE(run(disk_->remove(directory_ + "/nothing")));
  auto file = run(disk_->open(directory_ + "/short", Disk::Open::create));
  ASSERT_TRUE(file);
  Buffer page(4096);
  EXPECT_EQ(run((*file)->read(0, page.span())).code(), Errc::io_error);
}

TEST_F(RealDisk, SyncsNoFileThatWasRemoved) {
  ASSERT_TRUE(run(disk_->make_directories(path())));
  const auto file = run(disk_->open(path() + "/f", Disk::Open::create));
  ASSERT_TRUE(file);
  Buffer page(kPageBytes);
  std::memset(page.data(), 1, page.size());
  ASSERT_TRUE(run((*file)->write(0, page.view())));
  EXPECT_TRUE(run((*file)->sync()));
  ASSERT_TRUE(run(disk_->remove(path() + "/f")));
  EXPECT_EQ(run((*file)->sync()).code(), Errc::io_error);
}

TEST_F(RealDisk, ReplacesSmallFilesAndLocksOnce) {
  ASSERT_TRUE(run(disk_->make_directories(directory_ + "/x/y/z")));
  ASSERT_TRUE(run(disk_->replace_small(directory_ + "/x/y/z/f", "one")));
  ASSERT_TRUE(run(disk_->replace_small(directory_ + "/x/y/z/f", "two")));
  EXPECT_EQ(*run(disk_->read_small(directory_ + "/x/y/z/f")), "two");
  EXPECT_EQ(*run(disk_->list(directory_ + "/x/y/z")), std::vector<std::string>{"f"});
  auto held = run(disk_->lock(directory_ + "/lock"));
  ASSERT_TRUE(held);
  EXPECT_EQ(run(disk_->lock(directory_ + "/lock")).code(), Errc::already_exists);
  held->reset();
  EXPECT_TRUE(run(disk_->lock(directory_ + "/lock")));
}

TEST_F(RealDisk, CarriesADriveThroughItsLife) {
  auto drive = format_and_open();
  ASSERT_TRUE(drive) << drive.error().detail;
  EXPECT_EQ(open().code(), Errc::already_exists);
  ASSERT_TRUE(append_range(**drive, 1, 200, 64 << 10));
  expect_range(**drive, 1, 200, 64 << 10);
  ASSERT_TRUE(run((*drive)->stop()));
  drive->reset();

  drive = open();
  ASSERT_TRUE(drive) << drive.error().detail;
  EXPECT_EQ((*drive)->stats().records_recovered, 0U);
  expect_range(**drive, 1, 200, 64 << 10);
  ASSERT_TRUE(append_range(**drive, 200, 300, 64 << 10));
  const auto scrubbed = run((*drive)->scrub(0));
  ASSERT_TRUE(scrubbed);
  EXPECT_EQ(scrubbed->records, 299U);
  EXPECT_EQ(scrubbed->damaged, 0U);
  ASSERT_TRUE(run((*drive)->stop()));
}

TEST_F(RealDisk, RebuildsAnIndexThatIsGoneOrDamaged) {
  auto drive = format_and_open();
  ASSERT_TRUE(drive);
  ASSERT_TRUE(append_range(**drive, 1, 300, 64 << 10));
  ASSERT_TRUE(run((*drive)->stop()));
  drive->reset();
  std::filesystem::remove_all(path() + "/index");
  drive = open();
  ASSERT_TRUE(drive) << drive.error().detail;
  expect_range(**drive, 1, 300, 64 << 10);
  ASSERT_TRUE(run((*drive)->stop()));
  drive->reset();

  for (const auto& entry : std::filesystem::directory_iterator(path() + "/index")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) std::filesystem::resize_file(entry.path(), 20);
  }
  drive = open();
  ASSERT_TRUE(drive) << drive.error().detail;
  expect_range(**drive, 1, 300, 64 << 10);
  ASSERT_TRUE(run((*drive)->stop()));
}

TEST_F(RealDisk, LeavesTheMetadataDirectoryAlone) {
  auto drive = format_and_open();
  ASSERT_TRUE(drive);
  ASSERT_TRUE(run((*drive)->stop()));
  drive->reset();
  ASSERT_TRUE(run(disk_->make_directories(path() + "/meta/log")));
  ASSERT_TRUE(run(disk_->replace_small(path() + "/meta/log/1", "entries")));
  drive = open();
  ASSERT_TRUE(drive);
  ASSERT_TRUE(run((*drive)->stop()));
  EXPECT_EQ(*run(disk_->read_small(path() + "/meta/log/1")), "entries");
}

}  // namespace
}  // namespace firn::volume
