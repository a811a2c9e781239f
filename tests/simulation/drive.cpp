#include "drive.h"

#include <algorithm>
#include <cstring>

#include "firn/base/assert.h"

namespace firn::simulation {
namespace {

using std::chrono::microseconds;

/// A peer that says nothing for so long is given up: RemoteDrives::Options::silence_max.
constexpr std::chrono::seconds kSilence{3};
constexpr std::uint64_t kSlowMicroseconds = 400'000;

std::uint64_t trace_of(const volume::RecordKey& key) {
  return key.extent.lease.value * 1'000'003 + key.extent.counter * 101 + key.stripe * 17 + key.shard;
}

Error closed() { return error(Errc::drive_out, "closed"); }

}  // namespace

boost::asio::awaitable<void> Drive::work(std::uint64_t least) {
  const std::uint64_t time =
      slow_ ? kSlowMicroseconds + random_.below(kSlowMicroseconds) : least + random_.below(least);
  co_await sleep(microseconds(time));
}

Result<> Drive::check_open(std::uint64_t life) const {
  if (!open_ || life != life_) return closed();
  if (fenced_) return error(Errc::drive_out, "fenced");
  return {};
}

void Drive::fence(const Error& why) {
  if (fenced_) return;
  fenced_ = true;
  trace_.add("fenced", index_.value);
  if (events_.fenced) events_.fenced(index_, why);
}

Result<> Drive::fail() {
  fence(error(Errc::io_error, "broken"));
  return error(Errc::io_error, "broken");
}

Task<> Drive::append(volume::Append request) {
  const std::uint64_t life = life_;
  co_await work(60);
  CO_TRY(check_open(life));
  if (broken_) co_return fail();
  co_return store(request);
}

Result<> Drive::store(const volume::Append& request) {
  if (full_) return error(Errc::drive_full, "full");
  if (request.set_epoch < epochs_[request.set]) return error(Errc::stale_epoch, "the drive holds a newer epoch");
  auto& header = *reinterpret_cast<volume::RecordHeader*>(request.record.data());
  header.segment = 1;
  header.offset_bytes = 0;
  volume::seal_header(header);
  FIRN_ASSERT(volume::verify_identity(header, request.key).has_value());

  Stored& stored = records_[request.key];
  if (stored.synced) stored.before = std::move(stored.bytes);
  stored.bytes.assign(request.record.begin(), request.record.end());
  stored.epoch = request.set_epoch;
  stored.written = ++changes_;
  stored.synced = false;
  trace_.add("append", index_.value, trace_of(request.key), request.set_epoch.value);
  return {};
}

Task<> Drive::sync() {
  const std::uint64_t life = life_;
  const std::uint64_t covered = changes_;
  co_await work(300);
  CO_TRY(check_open(life));
  if (broken_) co_return fail();
  for (auto& [key, stored] : records_) {
    if (stored.written > covered) continue;
    stored.synced = true;
    stored.before.reset();
  }
  trace_.add("sync", index_.value, covered);
  co_return Unit{};
}

Task<volume::RecordBytes> Drive::read(volume::RecordKey key, ByteRange range) {
  const std::uint64_t life = life_;
  co_await work(80);
  if (!open_ || life != life_) co_return closed();
  const auto found = records_.find(key);
  if (found == records_.end()) co_return error(Errc::not_found, "no such record");
  const auto& bytes = found->second.bytes;
  const std::uint64_t first = range.offset / volume::kBlockBytes * volume::kBlockBytes;
  const std::uint64_t end = range.length == 0 ? first : round_up_to_page(range.end());
  if (end > bytes.size() - kPageBytes) co_return error(Errc::io_error, "past the record's end");
  volume::RecordBytes answer(end - first);
  std::memcpy(answer.memory.data(), bytes.data(), kPageBytes);
  std::ranges::copy(ByteView(bytes).subspan(kPageBytes + first, end - first), answer.blocks().begin());
  answer.first_block = static_cast<std::uint32_t>(first / volume::kBlockBytes);
  co_return answer;
}

Task<> Drive::remove(std::vector<ExtentId> extents) {
  const std::uint64_t life = life_;
  co_await work(60);
  CO_TRY(check_open(life));
  for (const ExtentId& extent : extents) {
    if (events_.removing) events_.removing(index_, extent);
    auto at = records_.lower_bound({.extent = extent, .stripe = 0, .shard = 0});
    while (at != records_.end() && at->first.extent == extent) {
      trace_.add("remove", index_.value, trace_of(at->first));
      removed_[at->first] = {std::move(at->second), ++changes_};
      at = records_.erase(at);
    }
  }
  co_return Unit{};
}

Task<> Drive::remove_left(std::vector<volume::RecordKey> keys, SetEpoch until) {
  const std::uint64_t life = life_;
  co_await work(60);
  CO_TRY(check_open(life));
  for (const auto& key : keys) {
    const auto found = records_.find(key);
    if (found == records_.end() || found->second.epoch > until) continue;
    trace_.add("remove left", index_.value, trace_of(key));
    removed_[key] = {std::move(found->second), ++changes_};
    records_.erase(found);
  }
  co_return Unit{};
}

Task<> Drive::sync_index() {
  const std::uint64_t life = life_;
  const std::uint64_t covered = changes_;
  co_await work(300);
  CO_TRY(check_open(life));
  std::erase_if(removed_, [&](const auto& entry) { return entry.second.at <= covered; });
  co_return Unit{};
}

Task<std::vector<volume::RecordInfo>> Drive::list(volume::RecordKey after, std::size_t limit) {
  const std::uint64_t life = life_;
  co_await work(100);
  if (!open_ || life != life_) co_return closed();
  std::vector<volume::RecordInfo> infos;
  for (auto at = records_.upper_bound(after); at != records_.end() && infos.size() < limit; ++at) {
    const auto& header = *reinterpret_cast<const volume::RecordHeader*>(at->second.bytes.data());
    infos.push_back({at->first, SetId{header.set}, at->second.epoch, header.stored_bytes, header.extent_bytes});
  }
  co_return infos;
}

Task<> Drive::raise_epoch(SetId set, SetEpoch epoch) {
  const std::uint64_t life = life_;
  co_await work(60);
  CO_TRY(check_open(life));
  epochs_[set] = std::max(epochs_[set], epoch);
  co_return Unit{};
}

void Drive::crash(bool power) {
  open_ = false;
  ++life_;
  trace_.add("drive crash", index_.value, power ? 1 : 0);
  if (power) {
    for (auto at = records_.begin(); at != records_.end();) {
      Stored& stored = at->second;
      const bool lost = (!stored.synced || lying_) && random_.one_in(2);
      if (lost && stored.before) {
        stored.bytes = *std::exchange(stored.before, std::nullopt);
      } else if (lost) {
        at = records_.erase(at);
        continue;
      }
      ++at;
    }
  }
  // What start-up finds is whole and durable by then. Removals that the index had not flushed are forgotten.
  for (auto& [key, removed] : removed_) {
    if (!removed.record.synced && power) continue;
    if (random_.one_in(2)) continue;
    if (!records_.emplace(key, std::move(removed.record)).second) continue;
    if (!recovered_from_ || key.extent.lease < *recovered_from_) recovered_from_ = key.extent.lease;
  }
  removed_.clear();
  for (auto& [key, stored] : records_) {
    stored.synced = true;
    stored.before.reset();
  }
}

std::optional<LeaseId> Drive::open(Events events) {
  events_ = std::move(events);
  open_ = true;
  fenced_ = false;
  return recovered_from_;
}

void Drive::replace(Uuid uuid) {
  FIRN_ASSERT(!open_);
  uuid_ = uuid;
  records_.clear();
  removed_.clear();
  epochs_.clear();
  recovered_from_.reset();
  broken_ = false;
  trace_.add("replaced", index_.value);
}

std::optional<volume::RecordKey> Drive::flip_a_bit() {
  if (records_.empty()) return std::nullopt;
  auto at = records_.begin();
  std::advance(at, random_.below(records_.size()));
  auto& bytes = at->second.bytes;
  bytes[random_.below(bytes.size())] ^= std::byte{1} << random_.below(8);
  trace_.add("flip", index_.value, trace_of(at->first));
  return at->first;
}

bool Drive::holds_synced(const volume::RecordKey& key) const {
  const auto found = records_.find(key);
  return found != records_.end() && (found->second.synced || found->second.before);
}

std::vector<volume::RecordKey> Drive::keys() const {
  std::vector<volume::RecordKey> keys;
  for (const auto& [key, stored] : records_) keys.push_back(key);
  return keys;
}

// --- the way to it ---

template <class T>
Task<T> DriveLink::ask(std::function<Task<T>()> work) {
  const auto unreachable = [] { return error(Errc::drive_unreachable, "no answer"); };
  const bool own = parts_.owner == parts_.asker;
  const bool asked = co_await parts_.network.carry(parts_.asker, parts_.owner);
  if (asked && parts_.alive) {
    Result<T> answer = co_await work();
    // A process that is gone does not answer for its drive.
    const bool gone = !own && !parts_.drive.is_open();
    const bool answered = !gone && co_await parts_.network.carry(parts_.owner, parts_.asker);
    if (answered && parts_.alive) co_return answer;
  }
  if (!parts_.alive) co_return error(Errc::cancelled, "killed");
  co_await sleep(kSilence);
  co_return unreachable();
}

Task<> DriveLink::append(volume::Append request) {
  co_return co_await ask<Unit>([&] { return parts_.drive.append(request); });
}
Task<> DriveLink::sync() {
  co_return co_await ask<Unit>([&] { return parts_.drive.sync(); });
}
Task<volume::RecordBytes> DriveLink::read(volume::RecordKey key, ByteRange range) {
  co_return co_await ask<volume::RecordBytes>([&] { return parts_.drive.read(key, range); });
}
Task<> DriveLink::remove(std::vector<ExtentId> extents) {
  co_return co_await ask<Unit>([&] { return parts_.drive.remove(extents); });
}
Task<> DriveLink::sync_index() {
  co_return co_await ask<Unit>([&] { return parts_.drive.sync_index(); });
}
Task<std::vector<volume::RecordInfo>> DriveLink::list(volume::RecordKey after, std::size_t limit) {
  co_return co_await ask<std::vector<volume::RecordInfo>>([&] { return parts_.drive.list(after, limit); });
}
Task<> DriveLink::raise_epoch(SetId set, SetEpoch epoch) {
  co_return co_await ask<Unit>([&] { return parts_.drive.raise_epoch(set, epoch); });
}
Task<volume::DriveUsage> DriveLink::usage() { co_return volume::DriveUsage{}; }

}  // namespace firn::simulation
