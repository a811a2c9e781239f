#include "watched_volumes.h"

#include <gtest/gtest.h>

namespace firn::server {
namespace {

/// Writes nothing, and takes another map whenever it is told to.
class NoVolumes final : public volume::Client {
 public:
  class Writer final : public volume::ExtentWriter {
   public:
    ExtentId id() const override { return {}; }
    Task<MutableBytes> window() override { co_return MutableBytes{}; }
    void advance(std::size_t) override {}
    std::span<const std::byte* const> alongside() override { return {}; }
    Task<volume::WrittenExtent> finish() override { co_return volume::WrittenExtent{}; }
  };

  void connect(DriveIndex, std::shared_ptr<volume::DriveService>) override {}
  void install_map(std::shared_ptr<const volume::ClusterMap> map) override { map_ = std::move(map); }
  std::shared_ptr<const volume::ClusterMap> map() const override { return map_; }
  Result<std::unique_ptr<volume::ExtentWriter>> write(ExtentId, std::uint64_t, BucketId) override {
    if (refuses) return error(Errc::durability_unavailable);
    return std::unique_ptr<volume::ExtentWriter>(std::make_unique<Writer>());
  }
  std::unique_ptr<volume::ExtentReader> read(std::vector<volume::ExtentPart>) override { return nullptr; }
  Task<erasure::ShardMask> repair(volume::ExtentPart, erasure::ShardMask) override { co_return erasure::ShardMask{0}; }
  Task<erasure::ShardMask> verify(volume::ExtentPart) override { co_return erasure::ShardMask{0}; }
  Task<> remove(SetId, std::vector<ExtentId>) override { co_return Unit{}; }

  bool refuses = false;

 private:
  std::shared_ptr<const volume::ClusterMap> map_ = std::make_shared<const volume::ClusterMap>();
};

std::shared_ptr<const volume::ClusterMap> map_of(std::uint64_t version) {
  return std::make_shared<const volume::ClusterMap>(volume::ClusterMap{.version = version});
}

TEST(WatchedVolumes, AreAsNewAsTheMapWhenNobodyWrites) {
  WatchedVolumes volumes(std::make_unique<NoVolumes>());
  EXPECT_EQ(volumes.oldest_write(), 0U);
  volumes.install_map(map_of(7));
  EXPECT_EQ(volumes.oldest_write(), 7U);
}

TEST(WatchedVolumes, AreAsOldAsTheOldestWriteUnderWay) {
  WatchedVolumes volumes(std::make_unique<NoVolumes>());
  volumes.install_map(map_of(7));
  auto first = volumes.write({}, 1, {});
  volumes.install_map(map_of(8));
  auto second = volumes.write({}, 1, {});
  auto third = volumes.write({}, 1, {});
  volumes.install_map(map_of(9));
  EXPECT_EQ(volumes.oldest_write(), 7U);
  first->reset();
  EXPECT_EQ(volumes.oldest_write(), 8U);
  second->reset();
  EXPECT_EQ(volumes.oldest_write(), 8U);
  third->reset();
  EXPECT_EQ(volumes.oldest_write(), 9U);
}

TEST(WatchedVolumes, CountNoWriteThatCouldNotBegin) {
  auto below = std::make_unique<NoVolumes>();
  below->refuses = true;
  WatchedVolumes volumes(std::move(below));
  volumes.install_map(map_of(7));
  EXPECT_FALSE(volumes.write({}, 1, {}));
  volumes.install_map(map_of(8));
  EXPECT_EQ(volumes.oldest_write(), 8U);
}

TEST(WatchedVolumes, MayEndBeforeTheirWriters) {
  auto volumes = std::make_unique<WatchedVolumes>(std::make_unique<NoVolumes>());
  auto writer = volumes->write({}, 1, {});
  volumes.reset();
  EXPECT_TRUE(writer->get() != nullptr);
}

}  // namespace
}  // namespace firn::server
