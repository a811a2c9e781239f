#include "stripe_check.h"

#include <algorithm>
#include <bit>
#include <string>

namespace firn::volume {

boost::asio::awaitable<void> StripeCheck::read() {
  const auto done = std::make_shared<Event>();  // Shared with reads that outlive this check.
  const std::shared_ptr<const View> view = core_->view();
  const StripeSet* set = view->find_set(extent_.set);
  if (!set || set->shape != extent_.shape) co_return;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if (view->sources(*set, shard).empty()) continue;
    const ShardRead::Request request{.extent = extent_,
                                     .key = extent_.key(stripe_, shard),
                                     .blocks = {0, stored_bytes(shard)},
                                     .tell_damage = false};
    reads_[shard] = ShardRead::start(core_, view, request, done);
  }
  co_await wait_for_answers(*core_, reads_, *done);
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if (!reads_[shard]) continue;
    if (reads_[shard]->check() != ShardRead::State::good) continue;
    good_ |= shard_bit(shard);
    owner_ = BucketId{reads_[shard]->header().owner_bucket};
  }
}

bool StripeCheck::gone() const {
  unsigned denied = 0;
  for (const auto& read : reads_) {
    if (!read) continue;
    if (read->is_good()) return false;
    if (!read->is_bad()) continue;  // It has not answered.
    const Errc code = read->failure().code;
    if (code == Errc::not_found) {
      ++denied;
    } else if (code != Errc::drive_out && code != Errc::drive_unreachable) {
      return false;
    }
  }
  return denied >= extent_.shape.data;
}

MutableBytes StripeCheck::chunk(std::uint8_t shard) {
  const std::uint32_t chunk_bytes = extent_.geometry.chunk_bytes(stripe_);
  const std::uint32_t stored = stored_bytes(shard);
  if (stored == chunk_bytes) return reads_[shard]->bytes({0, stored});
  if (padded_[shard].empty()) {
    padded_[shard] = Buffer(chunk_bytes);
    std::ranges::fill(padded_[shard].span(), std::byte{0});
    if (stored > 0) std::ranges::copy(reads_[shard]->bytes({0, stored}), padded_[shard].data());
  }
  return padded_[shard].span();
}

Result<> StripeCheck::rebuild(erasure::ShardMask wanted) {
  std::array<MutableBytes, kShardsMax> shards;
  erasure::ShardMask sources = 0;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if (wanted & shard_bit(shard)) {
      rebuilt_[shard] = Buffer(extent_.geometry.chunk_bytes(stripe_));
      shards[shard] = rebuilt_[shard].span();
    } else if ((good_ & shard_bit(shard)) && std::popcount(sources) < extent_.shape.data) {
      sources |= shard_bit(shard);
      shards[shard] = chunk(shard);
    }
  }
  if (std::popcount(sources) < extent_.shape.data) {
    return error(Errc::corrupt, "fewer than k good shards are left of extent " + to_string(extent_.id) + " stripe " +
                                    std::to_string(stripe_));
  }
  return core_->view()->codec(extent_.shape).rebuild(sources, wanted, std::span(shards).first(extent_.shape.total()));
}

bool StripeCheck::differs(std::uint8_t shard) {
  return !(good_ & shard_bit(shard)) || !std::ranges::equal(chunk(shard), rebuilt_[shard].view());
}

Result<erasure::ShardMask> StripeCheck::misfits() {
  erasure::ShardMask rest = good_;
  for (int i = 0; i < extent_.shape.data && rest; ++i) rest &= rest - 1;  // The first k decide.
  if (rest == 0) return erasure::ShardMask{0};
  if (auto computed = rebuild(rest); !computed) return std::move(computed).error();
  erasure::ShardMask misfits = 0;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if ((rest & shard_bit(shard)) && differs(shard)) misfits |= shard_bit(shard);
  }
  return misfits;
}

}  // namespace firn::volume
