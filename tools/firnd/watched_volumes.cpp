#include "watched_volumes.h"

#include <algorithm>
#include <utility>

namespace firn::server {

void WritesUnderWay::begin(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  ++counts_[version];
}

void WritesUnderWay::end(std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(version);
  if (--found->second == 0) counts_.erase(found);
}

std::uint64_t WritesUnderWay::oldest(std::uint64_t newest) const {
  const std::lock_guard lock(mutex_);
  return counts_.empty() ? newest : std::min(newest, counts_.begin()->first);
}

/// Counts for as long as it is there.
class WatchedVolumes::Writer final : public volume::ExtentWriter {
 public:
  Writer(std::shared_ptr<WritesUnderWay> writes, std::uint64_t version)
      : writes_(std::move(writes)), version_(version) {
    writes_->begin(version_);
  }
  ~Writer() override { writes_->end(version_); }
  std::uint64_t version() const { return version_; }
  void write_with(std::unique_ptr<volume::ExtentWriter> below) { below_ = std::move(below); }

  ExtentId id() const override { return below_->id(); }
  Task<MutableBytes> window() override { return below_->window(); }
  void advance(std::size_t filled) override { below_->advance(filled); }
  std::span<const std::byte* const> alongside() override { return below_->alongside(); }
  Task<volume::WrittenExtent> finish() override { return below_->finish(); }

 private:
  const std::shared_ptr<WritesUnderWay> writes_;
  const std::uint64_t version_;
  std::unique_ptr<volume::ExtentWriter> below_;
};

std::uint64_t WatchedVolumes::oldest_write() const {
  // In this order: a write that is not counted yet finds this map or a newer one.
  const std::uint64_t newest = map()->version;
  return writes_->oldest(newest);
}

Result<std::unique_ptr<volume::ExtentWriter>> WatchedVolumes::write(ExtentId id, std::uint64_t length_bytes,
                                                                    BucketId owner) {
  auto writer = std::make_unique<Writer>(writes_, map()->version);
  // Another map that came before the write was counted.
  while (map()->version != writer->version()) writer = std::make_unique<Writer>(writes_, map()->version);
  auto below = below_->write(id, length_bytes, owner);
  if (!below) return std::move(below).error();
  writer->write_with(*std::move(below));
  return std::unique_ptr<volume::ExtentWriter>(std::move(writer));
}

void WatchedVolumes::connect(DriveIndex drive, std::shared_ptr<volume::DriveService> service) {
  below_->connect(drive, std::move(service));
}

std::unique_ptr<volume::ExtentReader> WatchedVolumes::read(std::vector<volume::ExtentPart> parts) {
  return below_->read(std::move(parts));
}

Task<erasure::ShardMask> WatchedVolumes::repair(volume::ExtentPart extent, erasure::ShardMask wanted) {
  return below_->repair(extent, wanted);
}

Task<> WatchedVolumes::remove(SetId set, std::vector<ExtentId> extents) {
  return below_->remove(set, std::move(extents));
}

}  // namespace firn::server
