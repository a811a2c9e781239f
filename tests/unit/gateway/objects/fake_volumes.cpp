#include "fake_volumes.h"

#include <algorithm>

namespace firn::test {

class FakeVolumes::Writer final : public volume::ExtentWriter {
 public:
  Writer(FakeVolumes& volumes, ExtentId id, std::uint64_t length_bytes)
      : volumes_(volumes), id_(id), bytes_(length_bytes, '\0') {}

  ExtentId id() const override { return id_; }

  Task<MutableBytes> window() override {
    const std::size_t count = std::min(volumes_.window_bytes, bytes_.size() - filled_);
    co_return std::as_writable_bytes(std::span(bytes_)).subspan(filled_, count);
  }

  void advance(std::size_t filled) override {
    FIRN_ASSERT(filled_ + filled <= bytes_.size());
    filled_ += filled;
  }

  std::span<const std::byte* const> alongside() override { return {}; }

  Task<volume::WrittenExtent> finish() override {
    FIRN_ASSERT(filled_ == bytes_.size());
    if (volumes_.finish_failure) co_return *volumes_.finish_failure;
    volumes_.extents[id_] = bytes_;
    co_return volume::WrittenExtent{
        .id = id_, .set = SetId{1}, .epoch = SetEpoch{1}, .length_bytes = bytes_.size(), .missing = 0};
  }

 private:
  FakeVolumes& volumes_;
  ExtentId id_;
  std::string bytes_;
  std::size_t filled_ = 0;
};

class FakeVolumes::Reader final : public volume::ExtentReader {
 public:
  Reader(FakeVolumes& volumes, std::vector<volume::ExtentPart> parts) : volumes_(volumes), parts_(std::move(parts)) {}

  Task<ByteView> next() override {
    if (volumes_.read_failure) co_return *volumes_.read_failure;
    if (at_ == parts_.size()) co_return ByteView{};
    const volume::ExtentPart& part = parts_[at_];
    const auto found = volumes_.extents.find(part.id);
    if (found == volumes_.extents.end()) co_return Errc::not_found;
    FIRN_ASSERT(found->second.size() == part.length_bytes && part.range.end() <= part.length_bytes);
    const std::size_t count = std::min<std::size_t>(volumes_.run_bytes, part.range.length - done_);
    run_ = found->second.substr(part.range.offset + done_, count);
    volumes_.bytes_read += count;
    done_ += count;
    if (done_ == part.range.length) {
      done_ = 0;
      ++at_;
    }
    co_return as_bytes(run_);
  }

 private:
  FakeVolumes& volumes_;
  std::vector<volume::ExtentPart> parts_;
  std::size_t at_ = 0;
  std::size_t done_ = 0;
  std::string run_;
};

Result<std::unique_ptr<volume::ExtentWriter>> FakeVolumes::write(ExtentId id, std::uint64_t length_bytes, BucketId) {
  if (write_failure) return *write_failure;
  FIRN_ASSERT(length_bytes > 0 && !extents.contains(id));
  return std::unique_ptr<volume::ExtentWriter>(std::make_unique<Writer>(*this, id, length_bytes));
}

std::unique_ptr<volume::ExtentReader> FakeVolumes::read(std::vector<volume::ExtentPart> parts) {
  return std::make_unique<Reader>(*this, std::move(parts));
}

Task<erasure::ShardMask> FakeVolumes::repair(volume::ExtentPart, erasure::ShardMask wanted) { co_return wanted; }
Task<erasure::ShardMask> FakeVolumes::verify(volume::ExtentPart) { co_return erasure::ShardMask{0}; }
Task<> FakeVolumes::remove(SetId, std::vector<ExtentId> gone) {
  for (const ExtentId extent : gone) extents.erase(extent);
  co_return Unit{};
}

}  // namespace firn::test
