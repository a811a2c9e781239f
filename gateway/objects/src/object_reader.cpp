#include <algorithm>

#include "firn/objects/store.h"

namespace firn::objects {

namespace {

/// A run of the object: bytes at hand, or consecutive extent parts that one reader serves.
struct Run {
  SharedBytes inline_body;  ///< Its owner is kept here until the run is sent.
  std::vector<volume::ExtentPart> parts;
};

class SliceReader final : public ObjectReader {
 public:
  SliceReader(volume::Client& volumes, std::vector<Run> runs, std::uint64_t length_bytes)
      : volumes_(volumes), runs_(std::move(runs)), length_bytes_(length_bytes) {}

  std::uint64_t length_bytes() const override { return length_bytes_; }

  Task<> prepare() override {
    CO_TRY_LET(prepared_, co_await fetch());
    co_return Unit{};
  }

  Task<ByteView> next() override {
    if (!prepared_.empty()) co_return std::exchange(prepared_, ByteView{});
    co_return co_await fetch();
  }

 private:
  Task<ByteView> fetch() {
    while (at_ < runs_.size()) {
      Run& run = runs_[at_];
      if (run.parts.empty() && !extents_) {
        ++at_;
        co_return run.inline_body.bytes;  // Owned by runs_, which outlives every view.
      }
      if (!extents_) extents_ = volumes_.read(std::move(run.parts));
      CO_TRY_LET(const ByteView bytes, co_await extents_->next());
      if (!bytes.empty()) co_return bytes;
      extents_.reset();
      ++at_;
    }
    co_return ByteView{};
  }

  volume::Client& volumes_;
  std::vector<Run> runs_;
  std::uint64_t length_bytes_;
  std::size_t at_ = 0;
  std::unique_ptr<volume::ExtentReader> extents_;
  ByteView prepared_;
};

}  // namespace

Result<std::unique_ptr<ObjectReader>> Store::read(const metadata::FoundObject& found, ByteRange range) {
  FIRN_ASSERT(range.end() <= found.object.size_bytes);
  std::vector<Run> runs;
  std::uint64_t slice_begin = 0;
  std::size_t next_inline = 0;
  for (const metadata::Slice& slice : found.object.slices) {
    const std::uint64_t begin = std::max(range.offset, slice_begin);
    const std::uint64_t end = std::min(range.end(), slice_begin + slice.length);
    const std::uint64_t skipped = begin - slice_begin;
    slice_begin += slice.length;
    const std::size_t inline_index = slice.is_inline() ? next_inline++ : 0;
    if (begin >= end) continue;
    if (slice.is_inline()) {
      const SharedBytes* body =
          inline_index < found.inline_bodies.size() ? &found.inline_bodies[inline_index] : nullptr;
      if (!body || body->bytes.size() < skipped + (end - begin))
        return error(Errc::corrupt, "inline body is too short");
      runs.push_back({.inline_body = {body->owner, body->bytes.subspan(skipped, end - begin)}});
      continue;
    }
    if (runs.empty() || runs.back().parts.empty()) runs.emplace_back();
    runs.back().parts.push_back({.id = slice.extent,
                                 .set = slice.set,
                                 .length_bytes = slice.extent_bytes,
                                 .range = {.offset = slice.offset + skipped, .length = end - begin}});
  }
  if (slice_begin != found.object.size_bytes) return error(Errc::corrupt, "slices do not add up to the object's size");
  return std::unique_ptr<ObjectReader>(std::make_unique<SliceReader>(volumes_, std::move(runs), range.length));
}

}  // namespace firn::objects
