#include "piece.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "firn/base/assert.h"

namespace firn::volume {

std::shared_ptr<ShardRead> LiveReads::find(const RecordKey& key, ByteRange blocks) const {
  for (const auto& [read_key, weak] : reads_) {
    if (read_key != key) continue;
    if (auto read = weak.lock(); read && read->covers(key, blocks)) return read;
  }
  return nullptr;
}

void LiveReads::add(const std::shared_ptr<ShardRead>& read) {
  std::erase_if(reads_, [](const auto& entry) { return entry.second.expired(); });
  reads_.emplace_back(read->key(), read);
}

Piece::Piece(std::shared_ptr<Core> core, const Extent& extent, const RecordKey& key, ByteRange range)
    : core_(std::move(core)), extent_(extent), key_(key), range_(range), blocks_(whole_blocks(range)) {}

void Piece::start(LiveReads& live, const std::shared_ptr<Event>& done) {
  const View& view = *core_->view();
  const StripeSet* set = view.find_set(extent_.set);
  if (set && set->shape == extent_.shape) {
    const auto sources = view.sources(*set, key_.shard);
    const DriveIndex drive = sources.empty() ? set->members[key_.shard] : sources.front();
    const bool in = view.map().is_in(drive) && !sources.empty();
    if (in && (!core_->health().avoid(drive) || core_->health().probe(drive) || !afford_detour())) {
      return ask(key_.shard, live, done);
    }
  }
  rebuilding_ = true;
  (void)step(live, done);
}

bool Piece::afford_detour() {
  if (!detour_) detour_ = core_->read_budget().try_take(extent_.shape.data * blocks_.length);
  return static_cast<bool>(detour_);
}

Piece::Sources Piece::look() {
  Sources sources{.good = zeros_};
  for (const auto& read : reads_) {
    switch (read->check()) {
      case ShardRead::State::good:
        sources.good |= shard_bit(read->key().shard);
        if (read->key().shard == key_.shard) own_ = read;
        break;
      case ShardRead::State::pending:
        sources.pending = true;
        if (!given_up(*read)) {
          ++sources.coming;
        } else if (read->key().shard == key_.shard) {
          rebuilding_ = true;
        }
        break;
      case ShardRead::State::bad:
        if (read->key().shard == key_.shard) rebuilding_ = true;
        break;
      case ShardRead::State::unchecked:
        FIRN_ASSERT(false);
    }
  }
  return sources;
}

Piece::Step Piece::step(LiveReads& live, const std::shared_ptr<Event>& done) {
  if (own_ || !rebuilt_.empty()) return Step::ready;
  Sources sources = look();
  if (own_) return settle_for_own(), Step::ready;
  if (!rebuilding_) return Step::waiting;

  const unsigned needed = extent_.shape.data;
  while (static_cast<unsigned>(std::popcount(sources.good)) + sources.coming < needed) {
    const auto shard = cheapest(*core_->view(), live);
    if (!shard) break;
    ask(*shard, live, done);
    sources = look();
    if (own_) return settle_for_own(), Step::ready;
  }
  if (static_cast<unsigned>(std::popcount(sources.good)) >= needed) {
    if (!rebuild(sources.good)) return Step::failed;
    return Step::ready;
  }
  return sources.pending ? Step::waiting : Step::failed;
}

ByteRange Piece::stored_part(std::uint8_t shard) const {
  const std::uint64_t stored = extent_.geometry.stored_bytes(key_.stripe, shard);
  const std::uint64_t end = std::min(blocks_.end(), stored);
  return end > blocks_.offset ? ByteRange{blocks_.offset, end - blocks_.offset} : ByteRange{};
}

std::optional<unsigned> Piece::cost(std::uint8_t shard, const View& view, const LiveReads& live) const {
  enum : unsigned { zeros, shared, data, parity, slow, out };
  if (asked_ & shard_bit(shard)) return std::nullopt;
  const ByteRange part = stored_part(shard);
  if (part.length == 0) return zeros;
  const StripeSet* set = view.find_set(extent_.set);
  if (!set || set->shape != extent_.shape) return std::nullopt;
  const auto sources = view.sources(*set, shard);
  if (sources.empty()) return std::nullopt;
  const DriveIndex drive = sources.front();
  if (live.find({key_.extent, key_.stripe, shard}, part)) return shared;
  if (!view.map().is_in(drive)) return out;
  if (core_->health().avoid(drive)) return slow;
  return shard < extent_.shape.data ? data : parity;
}

std::optional<std::uint8_t> Piece::cheapest(const View& view, const LiveReads& live) const {
  std::optional<std::uint8_t> best;
  unsigned best_cost = 0;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    const auto shard_cost = cost(shard, view, live);
    if (!shard_cost || (best && *shard_cost >= best_cost)) continue;
    best = shard;
    best_cost = *shard_cost;
  }
  return best;
}

void Piece::ask(std::uint8_t shard, LiveReads& live, const std::shared_ptr<Event>& done) {
  asked_ |= shard_bit(shard);
  const ByteRange part = stored_part(shard);
  if (part.length == 0) {
    zeros_ |= shard_bit(shard);
    return;
  }
  const RecordKey key{key_.extent, key_.stripe, shard};
  auto read = live.find(key, part);
  if (!read) {
    read = ShardRead::start(core_, core_->view(), {.extent = extent_, .key = key, .blocks = part}, done);
    live.add(read);
  }
  reads_.push_back(std::move(read));
}

Result<> Piece::rebuild(erasure::ShardMask good) {
  std::array<MutableBytes, kShardsMax> shards;
  std::vector<Buffer> padded;  // Shards that end within the blocks.
  erasure::ShardMask present = 0;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if (!(good & shard_bit(shard)) || std::popcount(present) == extent_.shape.data) continue;
    present |= shard_bit(shard);
    const ByteRange part = stored_part(shard);
    MutableBytes stored;
    for (const auto& read : reads_) {
      if (part.length > 0 && read->key().shard == shard) stored = read->bytes(part);
    }
    if (part.length < blocks_.length) {
      Buffer& whole = padded.emplace_back(blocks_.length);
      std::ranges::copy(stored, whole.data());
      std::ranges::fill(whole.span().subspan(stored.size()), std::byte{0});
      stored = whole.span();
    }
    shards[shard] = stored;
  }
  Buffer wanted(blocks_.length);
  shards[key_.shard] = wanted.span();
  const auto& codec = core_->view()->codec(extent_.shape);
  auto rebuilt = codec.rebuild(present, shard_bit(key_.shard), std::span(shards).first(extent_.shape.total()));
  if (!rebuilt) return rebuilt;
  rebuilt_ = std::move(wanted);
  report_missing();
  reads_.clear();
  detour_.release();
  return {};
}

/// The shard itself came: what others were asked for meanwhile is not kept.
void Piece::settle_for_own() {
  report_missing();
  reads_.assign({own_});
  detour_.release();
}

void Piece::report_missing() {
  for (const auto& read : reads_) read->report_missing();
}

std::optional<Piece::Time> Piece::slow_after() const {
  std::optional<Time> oldest;
  for (const auto& read : reads_) {
    if (!read->is_pending() || given_up(*read)) continue;
    if (!oldest || read->started() < *oldest) oldest = read->started();
  }
  if (!oldest) return std::nullopt;
  return std::max(*oldest + core_->health().patience(), retry_hedge_after_);
}

void Piece::look_for_slow_reads() {
  ReadHealth& health = core_->health();
  const auto now = std::chrono::steady_clock::now();
  bool slow = false;
  for (const auto& read : reads_) {
    if (!read->is_pending() || now - read->started() < health.patience()) continue;
    if (!given_up(*read)) slow = true;
    read->mark_overdue();
  }
  if (!slow || hedging_) return;
  hedging_ = afford_detour() && health.take_hedge();
  if (!hedging_) retry_hedge_after_ = now + health.patience();
}

ByteView Piece::bytes() {
  if (own_) return own_->bytes(range_);
  return rebuilt_.view().subspan(range_.offset - blocks_.offset, range_.length);
}

Error Piece::failure() const {
  unsigned denied = 0;
  unsigned unreachable = extent_.shape.total() - static_cast<unsigned>(std::popcount(asked_));
  for (const auto& read : reads_) {
    const Errc code = read->is_bad() ? read->failure().code : Errc::corrupt;
    denied += code == Errc::not_found;
    unreachable += code == Errc::drive_out || code == Errc::drive_unreachable;
  }
  const bool gone =
      denied > 0 && denied + unreachable + static_cast<unsigned>(std::popcount(zeros_)) == extent_.shape.total();
  if (gone && unreachable <= extent_.shape.parity) {
    return error(Errc::not_found, "no drive has extent " + to_string(extent_.id));
  }
  return error(Errc::corrupt, "fewer than k good shards are left of extent " + to_string(extent_.id) + " stripe " +
                                  std::to_string(key_.stripe));
}

}  // namespace firn::volume
