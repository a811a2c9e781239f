#include "repair.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "firn/base/checksum.h"
#include "flight.h"
#include "stripe_check.h"

namespace firn::volume {

namespace {

/// A record written by repair, and what must be found in its place.
struct Rewritten {
  RecordPlace place;
  std::uint64_t content = 0;
};

/// Of all block checksums: two records with the same have the same payload.
std::uint64_t content_of(const RecordHeader& header) { return xxh3(std::as_bytes(std::span(header.block_xxh3))); }

Result<Extent> find_extent(const View& view, const ExtentPart& part) {
  const StripeSet* set = view.find_set(part.set);
  if (!set) return error(Errc::internal, "the cluster map has no set " + std::to_string(part.set.value));
  if (part.length_bytes == 0) return error(Errc::internal, "an extent without bytes");
  return Extent(part.id, part.set, set->shape, part.length_bytes);
}

/// Appends what differs from what the good shards say. Adds to `rewritten` what is under way.
Task<> rewrite_stripe(std::shared_ptr<Core> core, Flight& flight, std::uint32_t stripe, erasure::ShardMask wanted,
                      std::vector<Rewritten>& rewritten) {
  StripeCheck check(core, flight.extent(), stripe);
  co_await check.read();
  if (check.gone()) co_return error(Errc::not_found, "no drive has extent " + to_string(flight.extent().id));
  // A wanted shard may pass its own checksums and still not fit the rest, so it is computed anew, unless the others
  // don't suffice for that.
  if (std::popcount(check.good() & ~wanted) < flight.extent().shape.data) wanted &= ~check.good();
  if (wanted == 0) co_return Unit{};
  CO_TRY(check.rebuild(wanted));
  for (std::uint8_t shard = 0; shard < flight.extent().shape.total(); ++shard) {
    if (!(wanted & shard_bit(shard)) || !check.differs(shard)) continue;
    const auto record = std::make_shared<RecordMemory>(check.stored_bytes(shard));
    std::ranges::copy(check.rebuilt(shard).first(check.stored_bytes(shard)), record->payload().data());
    fill_header(*record, flight.extent(), {stripe, shard}, check.owner());
    rewritten.push_back({{stripe, shard}, content_of(record->header())});
    flight.start_append(record, {stripe, shard}, Flight::After::append);
  }
  co_await flight.all_ended();
  co_return Unit{};
}

/// Whether the drive gives back the record that was written.
boost::asio::awaitable<bool> reads_back(std::shared_ptr<Core> core, const Extent& extent, const Rewritten& rewritten) {
  const std::shared_ptr<const View> view = core->view();
  const StripeSet* set = view->find_set(extent.set);
  if (!set || set->shape != extent.shape) co_return false;
  const auto& [stripe, shard] = rewritten.place;
  const auto done = std::make_shared<Event>();  // Shared with the read.
  const ShardRead::Request request{.extent = extent,
                                   .key = extent.key(stripe, shard),
                                   .blocks = {0, extent.geometry.stored_bytes(stripe, shard)},
                                   .tell_damage = false};
  const auto read = ShardRead::start(core, view, request, done);
  co_await wait_for_answers(*core, std::span(&read, 1), *done);
  co_return read->check() == ShardRead::State::good&& content_of(read->header()) == rewritten.content;
}

}  // namespace

Task<erasure::ShardMask> repair_extent(std::shared_ptr<Core> core, ExtentPart part, erasure::ShardMask wanted) {
  const std::shared_ptr<const View> view = core->view();
  CO_TRY_LET(const Extent extent, find_extent(*view, part));
  wanted &= all_shards(extent.shape);
  // Shared with the appends: they may outlive a repair that is given up.
  const auto flight = std::make_shared<Flight>(core, view, extent);
  std::vector<Rewritten> rewritten;
  Result<> failed;
  for (std::uint32_t stripe = 0; stripe < extent.geometry.stripes(); ++stripe) {
    const auto done = co_await rewrite_stripe(core, *flight, stripe, wanted & ~flight->lost(), rewritten);
    if (done.code() == Errc::not_found) co_return done.error();
    if (!done) failed = done;  // A stripe that can't be rebuilt is no reason to leave the others short of a shard.
  }
  // Those found good as well: a writer or repair that broke off may have left them unsynced.
  flight->start_syncs(wanted);
  co_await flight->all_ended();
  CO_TRY(failed);
  erasure::ShardMask good = wanted & ~flight->lost();
  for (const Rewritten& record : rewritten) {
    if (!(good & shard_bit(record.place.shard))) continue;
    const bool found = co_await reads_back(core, extent, record);
    if (!found) good &= ~shard_bit(record.place.shard);
  }
  co_return good;
}

Task<erasure::ShardMask> verify_extent(std::shared_ptr<Core> core, ExtentPart part) {
  const std::shared_ptr<const View> view = core->view();
  CO_TRY_LET(const Extent extent, find_extent(*view, part));
  erasure::ShardMask bad = 0;
  std::uint32_t gone = 0;
  for (std::uint32_t stripe = 0; stripe < extent.geometry.stripes(); ++stripe) {
    StripeCheck check(core, extent, stripe);
    co_await check.read();
    bad |= all_shards(extent.shape) & ~check.good();
    gone += check.gone();
    if (std::popcount(check.good()) > extent.shape.data) {
      CO_TRY_LET(const erasure::ShardMask misfits, check.misfits());
      bad |= misfits;
    }
  }
  if (gone == extent.geometry.stripes())
    co_return error(Errc::not_found, "no drive has extent " + to_string(extent.id));
  co_return bad;
}

}  // namespace firn::volume
