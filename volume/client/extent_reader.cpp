#include "extent_reader.h"

#include <algorithm>
#include <string>

namespace firn::volume {

namespace {

/// What is read before the caller has come back once: who asks for an open-ended range often hangs up after the head.
constexpr std::uint64_t kFirstReadBytes = 1ULL << 20;
/// Grown to by doubling: one whole stripe of k = 4, so that all its drives work at once.
constexpr std::uint64_t kReadAheadBytes = 4ULL << 20;
/// What a reader may always hold, also when others have used the budget up: it then gets on, only not fast.
constexpr std::uint64_t kUnbudgetedBytes = 64ULL << 10;

}  // namespace

PieceReader::PieceReader(std::shared_ptr<Core> core, std::vector<ExtentPart> parts)
    : core_(std::move(core)), parts_(std::move(parts)) {}

Task<ByteView> PieceReader::next() {
  if (handed_over_) {
    ahead_bytes_ -= pieces_.front().piece.memory_bytes();
    pieces_.pop_front();
    handed_over_ = false;
  }
  const bool first = window_bytes_ == 0;
  window_bytes_ = first ? kFirstReadBytes : std::min(window_bytes_ * 2, kReadAheadBytes);
  plan_ahead();
  if (pieces_.empty()) {
    if (plan_failure_) co_return *plan_failure_;
    co_return ByteView{};
  }

  Piece& piece = pieces_.front().piece;
  CO_TRY(co_await arrival(piece));
  // Once the caller has bytes it can only break off: an error in what was to be read first is told before.
  if (first) {
    for (std::size_t i = 1; i < pieces_.size(); ++i) CO_TRY(co_await arrival(pieces_[i].piece));
  }
  handed_over_ = true;
  co_return piece.bytes();
}

Task<> PieceReader::arrival(Piece& piece) {
  for (;;) {
    const Piece::Step step = piece.step(live_, done_);
    if (step == Piece::Step::failed) co_return piece.failure();
    if (step == Piece::Step::ready) co_return Unit{};
    const auto slow_after = piece.slow_after();
    std::optional<SlowWatch::Entry> watch;
    if (slow_after) watch.emplace(core_->slow_watch(), *done_, *slow_after);
    co_await done_->wait();
    watch.reset();
    piece.look_for_slow_reads();
  }
}

Result<PieceReader::Plan> PieceReader::next_piece() const {
  const ExtentPart& part = parts_[part_];
  const StripeSet* set = core_->view()->find_set(part.set);
  if (!set) return error(Errc::internal, "the cluster map has no set " + std::to_string(part.set.value));
  if (part.range.length > part.length_bytes || part.range.offset > part.length_bytes - part.range.length) {
    return error(Errc::internal, "a range past the end of extent " + to_string(part.id));
  }
  const Extent extent(part.id, part.set, set->shape, part.length_bytes);
  const auto place = extent.geometry.locate(part.range.offset + part_offset_);
  const std::uint64_t in_chunk = extent.geometry.data_bytes(place.stripe, place.shard) - place.offset;
  return Plan{extent,
              extent.key(place.stripe, place.shard),
              {place.offset, std::min(in_chunk, part.range.length - part_offset_)}};
}

void PieceReader::plan_ahead() {
  while (!plan_failure_ && part_ < parts_.size()) {
    if (part_offset_ == parts_[part_].range.length) {
      ++part_;
      part_offset_ = 0;
      continue;
    }
    auto plan = next_piece();
    if (!plan) {
      plan_failure_ = std::move(plan).error();
      return;
    }
    auto memory = admit(*plan);
    if (!memory) return;
    ahead_bytes_ += whole_blocks(plan->range).length;
    part_offset_ += plan->range.length;
    pieces_.push_back({std::move(*memory), Piece(core_, plan->extent, plan->key, plan->range)});
    pieces_.back().piece.start(live_, done_);
  }
}

std::optional<Admission::Reservation> PieceReader::admit(Plan& plan) {
  const std::uint64_t bytes = whole_blocks(plan.range).length;
  if (!pieces_.empty()) {
    if (ahead_bytes_ + bytes > window_bytes_) return std::nullopt;
    auto memory = core_->read_budget().try_take(bytes);
    return memory ? std::optional(std::move(memory)) : std::nullopt;
  }
  if (bytes <= kUnbudgetedBytes) return Admission::Reservation();
  auto memory = core_->read_budget().try_take(bytes);
  if (!memory) plan.range.length = kUnbudgetedBytes - plan.range.offset % kBlockBytes;
  return memory;
}

}  // namespace firn::volume
