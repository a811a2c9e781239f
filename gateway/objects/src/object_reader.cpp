#include <algorithm>

#include "firn/objects/store.h"
#include "src/body_cache.h"

namespace firn::objects {

namespace {

/// A run of the object: bytes at hand, or consecutive extent parts that one reader serves.
struct Run {
  SharedBytes at_hand;  ///< Its owner is kept here until the run is sent.
  std::vector<volume::ExtentPart> parts;
  bool to_cache = false;  ///< The one part's extent is to be read whole and kept.
};

class SliceReader final : public ObjectReader {
 public:
  SliceReader(volume::Client& volumes, std::shared_ptr<BodyCache> cache, std::vector<Run> runs,
              std::uint64_t length_bytes)
      : volumes_(volumes), cache_(std::move(cache)), runs_(std::move(runs)), length_bytes_(length_bytes) {}

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
    // The caller is done with the last view: an object of thousands of small bodies must not pile them up.
    if (at_ > 0) runs_[at_ - 1].at_hand = {};
    while (at_ < runs_.size()) {
      Run& run = runs_[at_];
      if (run.to_cache) {
        CO_TRY(co_await read_whole(run));
      }
      if (run.parts.empty() && !extents_) {
        ++at_;
        co_return run.at_hand.bytes;  // Its owner stays until the next call.
      }
      if (!extents_) extents_ = volumes_.read(std::move(run.parts));
      CO_TRY_LET(const ByteView bytes, co_await extents_->next());
      if (!bytes.empty()) co_return bytes;
      extents_.reset();
      ++at_;
    }
    co_return ByteView{};
  }

  /// Turns a run of one part into bytes at hand, of which the cache gets all.
  Task<> read_whole(Run& run) {
    const volume::ExtentPart wanted = run.parts.front();
    std::vector<volume::ExtentPart> whole{wanted};
    whole.front().range = {.offset = 0, .length = wanted.length_bytes};
    const auto reader = volumes_.read(std::move(whole));
    auto body = std::make_shared<Buffer>(static_cast<std::size_t>(wanted.length_bytes));
    MutableBytes room = body->span();
    while (!room.empty()) {
      CO_TRY_LET(const ByteView bytes, co_await reader->next());
      if (bytes.empty() || bytes.size() > room.size()) co_return error(Errc::internal, "an extent has another length");
      std::ranges::copy(bytes, room.begin());
      room = room.subspan(bytes.size());
    }
    const SharedBytes kept{body, body->view()};
    cache_->put(wanted.id, kept);
    run = {.at_hand = {kept.owner, kept.bytes.subspan(wanted.range.offset, wanted.range.length)},
           .parts = {},
           .to_cache = false};
    co_return Unit{};
  }

  volume::Client& volumes_;
  std::shared_ptr<BodyCache> cache_;
  std::vector<Run> runs_;
  std::uint64_t length_bytes_;
  std::size_t at_ = 0;
  std::unique_ptr<volume::ExtentReader> extents_;
  ByteView prepared_;
};

void add_extent_part(const volume::ExtentPart& part, BodyCache& cache, std::vector<Run>& runs) {
  if (part.length_bytes <= BodyCache::kExtentBytesMax) {
    if (SharedBytes body = cache.find(part.id); body.owner && body.bytes.size() == part.length_bytes) {
      runs.push_back({.at_hand = {std::move(body.owner), body.bytes.subspan(part.range.offset, part.range.length)}});
      return;
    }
    if (cache.wants(part.id, part.length_bytes)) {
      runs.push_back({.at_hand = {}, .parts = {part}, .to_cache = true});
      return;
    }
  }
  if (runs.empty() || runs.back().parts.empty() || runs.back().to_cache) runs.emplace_back();
  runs.back().parts.push_back(part);
}

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
      runs.push_back({.at_hand = {body->owner, body->bytes.subspan(skipped, end - begin)}});
      continue;
    }
    add_extent_part({.id = slice.extent,
                     .set = slice.set,
                     .length_bytes = slice.extent_bytes,
                     .range = {.offset = slice.offset + skipped, .length = end - begin}},
                    *body_cache_, runs);
  }
  if (slice_begin != found.object.size_bytes) return error(Errc::corrupt, "slices do not add up to the object's size");
  return std::unique_ptr<ObjectReader>(
      std::make_unique<SliceReader>(volumes_, body_cache_, std::move(runs), range.length));
}

}  // namespace firn::objects
