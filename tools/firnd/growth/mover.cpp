#include "growth/mover.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "firn/base/log.h"
#include "firn/volume/record.h"
#include "gather.h"
#include "owed_shards.h"

namespace firn::server {
namespace {

constexpr std::chrono::milliseconds kPause{2'000};
constexpr std::chrono::seconds kRateWindow{5};
/// Records listed at once, and copied between two flushes.
constexpr std::size_t kPage = 1'000;

/// Every record of the drive from `before` (exclusive) up to `last` that is `wanted`.
Task<std::set<volume::RecordKey>> keys_between(volume::DriveService& drive, volume::RecordKey before,
                                               volume::RecordKey last) {
  std::set<volume::RecordKey> keys;
  for (bool more = true; more;) {
    CO_TRY_LET(const auto page, co_await drive.list(before, kPage));
    for (const auto& record : page) {
      if (record.key > last) co_return keys;
      keys.insert(record.key);
      before = record.key;
    }
    more = page.size() == kPage;
  }
  co_return keys;
}

}  // namespace

Mover::Mover(Parts parts, Options options)
    : parts_(std::move(parts)),
      options_(options),
      gate_(parts_.runtime.io(0).get_executor()),
      timer_(parts_.runtime.io(0)) {}

void Mover::start() {
  if (!gate_.enter()) return;
  boost::asio::co_spawn(parts_.runtime.io(0), run(), boost::asio::detached);  // stop() waits at the gate.
}

boost::asio::awaitable<void> Mover::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await gate_.close();
}

void Mover::poke() {
  boost::asio::post(parts_.runtime.io(0), [this] {
    if (std::exchange(poked_, true)) return;
    timer_.cancel();
  });
}

Mover::Progress Mover::progress() const { return {bytes_.load(), rate_.load()}; }

boost::asio::awaitable<void> Mover::sleep(Clock::duration duration) {
  if (stopping_) co_return;
  boost::system::error_code ignored;
  timer_.expires_after(duration);
  co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

boost::asio::awaitable<void> Mover::run() {
  const Gate::Pass pass(gate_);
  while (!stopping_) {
    poked_ = false;
    for (const Source& source : sources()) {
      if (stopping_) break;
      const auto done = co_await pull(source);
      if (done || done.code() == Errc::cancelled) continue;
      log::info("what moves from drive {} is not all here yet: {} {}", source.drive.value + 1,
                to_string(done.error().code), done.error().detail);
      co_await sleep(kPause);
    }
    co_await remove_leftovers();
    count(0);
    if (!poked_) co_await sleep(kPause);
  }
}

const Mover::Incoming* Mover::Source::find(const volume::RecordInfo& record) const {
  const auto found = std::ranges::find_if(
      incoming, [&](const Incoming& each) { return each.set == record.set && each.shard == record.key.shard; });
  return found == incoming.end() ? nullptr : &*found;
}

std::vector<Mover::Source> Mover::sources() const {
  std::map<DriveIndex, Source> by_drive;
  const auto& map = parts_.keeper.current();
  for (const auto& set : map.sets) {
    for (const auto& move : set.moves) {
      const DriveIndex to = set.members[move.shard];
      if (move.done || !is_in(map, to) || !is_in(map, move.from)) continue;
      auto target = parts_.own(to);
      auto service = parts_.find(move.from);
      if (!target || !service) continue;
      Source& source = by_drive[move.from];
      source.drive = move.from;
      source.service = std::move(service);
      source.incoming.push_back(
          {set.id, move.shard, set.epoch, {set.data_shards, set.parity_shards}, to, move.from_uuid, std::move(target)});
    }
  }
  std::vector<Source> sources;
  for (auto& [drive, source] : by_drive) sources.push_back(std::move(source));
  return sources;
}

Task<> Mover::pull(const Source& source) {
  CO_TRY(co_await refuse_older_epochs(source));
  volume::RecordKey after;
  for (bool more = true; more;) {
    if (stopping_) co_return error(Errc::cancelled, "stopping");
    CO_TRY_LET(const auto page, co_await source.service->list(after, kPage));
    if (!page.empty()) CO_TRY(co_await pull_page(source, after, page));
    if (!page.empty()) after = page.back().key;
    more = page.size() == kPage;
  }
  // What the walk found there may have been left unsynced by one that broke off.
  CO_TRY(co_await sync_targets(source));
  co_return co_await record_done(source);
}

/// From then on the old drive gets no record of these shards any more, so that one walk finds all.
Task<> Mover::refuse_older_epochs(const Source& source) {
  for (const Incoming& incoming : source.incoming) {
    CO_TRY(co_await source.service->raise_epoch(incoming.set, incoming.epoch));
  }
  co_return Unit{};
}

Task<> Mover::pull_page(const Source& source, volume::RecordKey before, const std::vector<volume::RecordInfo>& page) {
  std::map<DriveIndex, std::set<volume::RecordKey>> there;
  std::vector<Copy> copies;
  for (const auto& record : page) {
    const Incoming* incoming = source.find(record);
    if (incoming == nullptr) continue;
    if (!there.contains(incoming->to)) {
      CO_TRY_LET(auto keys, co_await keys_between(*incoming->target, before, page.back().key));
      there.emplace(incoming->to, std::move(keys));
    }
    if (!there[incoming->to].contains(record.key)) copies.push_back({record, incoming});
  }
  if (copies.empty()) co_return Unit{};
  CO_TRY(co_await copy_all(source, copies));
  CO_TRY(co_await sync_targets(source));
  co_return co_await forget_freed(copies);
}

Task<> Mover::copy_all(const Source& source, const std::vector<Copy>& copies) {
  const auto begun = Clock::now();
  std::uint64_t bytes = 0;
  for (std::size_t first = 0; first < copies.size(); first += kCopiesAtOnce) {
    if (stopping_) co_return error(Errc::cancelled, "stopping");
    const std::size_t end = std::min(copies.size(), first + kCopiesAtOnce);
    std::vector<Task<std::uint64_t>> tasks;
    for (std::size_t i = first; i < end; ++i) tasks.push_back(copy(source.service, copies[i]));
    const auto results = co_await gather(parts_.runtime, std::move(tasks));
    std::uint64_t copied = 0;
    for (std::size_t i = first; i < end; ++i) {
      const auto& result = results[i - first];
      if (result) copied += *result;
      if (result || result.code() == Errc::not_found) continue;  // Freed meanwhile.
      if (result.code() != Errc::corrupt) co_return result.error();
      CO_TRY(co_await record_owed_record(parts_.metadata, copies[i].record.set, copies[i].record.key));
    }
    count(copied);
    bytes += copied;
    const auto due = begun + std::chrono::milliseconds(bytes * 1'000 / options_.bytes_per_second);
    if (due > Clock::now()) co_await sleep(due - Clock::now());
  }
  co_return Unit{};
}

/// The record as it is on its drive, its block checksums with it, verified.
Task<std::uint64_t> Mover::copy(std::shared_ptr<volume::DriveService> from, Copy wanted) {
  const auto& record = wanted.record;
  CO_TRY_LET(auto read, co_await from->read(record.key, {0, record.stored_bytes}));
  if (read.memory.size() != kPageBytes + record.stored_bytes || read.first_block != 0) {
    co_return error(Errc::corrupt, "a record of another length");
  }
  volume::RecordHeader& header = read.header();
  CO_TRY(volume::verify_identity(header, record.key));
  CO_TRY(volume::verify_blocks(header, 0, read.blocks()));
  const Incoming& incoming = *wanted.incoming;
  header.set_epoch = incoming.epoch.value;
  volume::Append append{.key = record.key,
                        .set = incoming.set,
                        .set_epoch = incoming.epoch,
                        .shape = incoming.shape,
                        .extent_bytes = header.extent_bytes,
                        .chunk_bytes = header.chunk_bytes,
                        .owner_bucket = BucketId{header.owner_bucket},
                        .record = read.memory.span()};
  CO_TRY(co_await incoming.target->append(std::move(append)));
  co_return read.memory.size();
}

/// An extent may have been freed between reading and appending it, and its drives told to forget it.
Task<> Mover::forget_freed(const std::vector<Copy>& copies) {
  std::vector<ExtentId> extents;
  for (const Copy& each : copies) {
    if (extents.empty() || extents.back() != each.record.key.extent) extents.push_back(each.record.key.extent);
  }
  CO_TRY_LET(const auto needed, co_await parts_.metadata.needed(extents));
  for (const Copy& each : copies) {
    const auto at = std::ranges::lower_bound(extents, each.record.key.extent) - extents.begin();
    if (needed[static_cast<std::size_t>(at)]) continue;
    std::vector<volume::RecordKey> keys(1, each.record.key);
    CO_TRY(co_await parts_.remove_left(each.incoming->to, std::move(keys), each.incoming->epoch));
  }
  co_return Unit{};
}

Task<> Mover::sync_targets(const Source& source) {
  std::set<DriveIndex> synced;
  for (const Incoming& incoming : source.incoming) {
    if (synced.insert(incoming.to).second) CO_TRY(co_await incoming.target->sync());
  }
  co_return Unit{};
}

Task<> Mover::record_done(const Source& source) {
  co_return co_await parts_.keeper.change([&source, this](MapChange& change) {
    const auto& map = parts_.keeper.current();
    for (const Incoming& incoming : source.incoming) {
      const auto* set = find_set(map, incoming.set);
      if (set == nullptr) continue;
      // As it was when the walk began, or the walk says nothing of it.
      const bool same = std::ranges::any_of(set->moves, [&](const metadata::MoveRecord& move) {
        return move.shard == incoming.shard && move.from == source.drive && move.from_uuid == incoming.from_uuid;
      });
      if (same) change.finish_move(incoming.set, incoming.shard, incoming.to);
    }
  });
}

void Mover::count(std::uint64_t bytes) {
  bytes_ += bytes;
  rate_bytes_ += bytes;
  const auto now = Clock::now();
  if (now - rate_since_ < kRateWindow) return;
  const auto seconds = std::chrono::duration<double>(now - rate_since_).count();
  rate_ = static_cast<std::uint64_t>(static_cast<double>(rate_bytes_) / seconds);
  rate_since_ = now;
  rate_bytes_ = 0;
}

}  // namespace firn::server
