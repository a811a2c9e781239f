#include "fake_drive.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

namespace firn::volume::testing {

namespace {

/// Lets other coroutines run, as every real drive does before it answers.
boost::asio::awaitable<void> another_turn() {
  co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
}

}  // namespace

Task<> FakeDrive::append(Append request) {
  const auto bytes = static_cast<std::int64_t>(request.record.size());
  if (on_append_bytes) on_append_bytes(bytes);
  co_await another_turn();
  co_await wait_while_held(appends_held_);
  Result<> stored = store(request);
  if (on_append_bytes) on_append_bytes(-bytes);
  co_return stored;
}

Result<> FakeDrive::store(const Append& request) {
  const std::lock_guard lock(mutex_);
  if (append_failure_ && appends_before_failure_-- <= 0) return error(*append_failure_, "as the test wants");
  if (request.set_epoch < epochs_[request.set]) return error(Errc::stale_epoch, "the drive holds a newer epoch");

  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(request.record.data()) % kPageBytes, 0U) << "not fit for O_DIRECT";
  EXPECT_EQ(request.record.size() % kPageBytes, 0U);
  auto& header = *reinterpret_cast<RecordHeader*>(request.record.data());
  EXPECT_EQ(header.stored_bytes, request.record.size() - kPageBytes);
  EXPECT_EQ(header.set_epoch, request.set_epoch.value);
  EXPECT_EQ(header.owner_bucket, request.owner_bucket.value);
  header.segment = 1;
  header.offset_bytes = std::exchange(next_offset_, next_offset_ + request.record.size());
  seal_header(header);
  EXPECT_TRUE(verify_identity(header, request.key));
  EXPECT_TRUE(verify_blocks(header, 0, request.record.subspan(kPageBytes)));
  records_[request.key] = {{request.record.begin(), request.record.end()}, request.set_epoch, false};
  return {};
}

Task<> FakeDrive::sync() {
  ++syncs_;
  std::vector<RecordKey> covered;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, record] : records_) covered.push_back(key);
  }
  co_await another_turn();
  const std::lock_guard lock(mutex_);
  if (sync_failure_) co_return error(*sync_failure_, "as the test wants");
  for (const RecordKey& key : covered) {
    if (const auto found = records_.find(key); found != records_.end()) found->second.synced = true;
  }
  co_return Unit{};
}

Task<RecordBytes> FakeDrive::read(RecordKey key, ByteRange range) {
  ++reads_;
  co_await another_turn();
  co_await wait_while_held(reads_held_);
  co_return find(key, range);
}

Result<RecordBytes> FakeDrive::find(const RecordKey& key, ByteRange range) {
  const std::lock_guard lock(mutex_);
  if (read_failure_) return error(*read_failure_, "as the test wants");
  const auto found = records_.find(key);
  if (found == records_.end()) return error(Errc::not_found, "no such record");
  const auto& bytes = found->second.bytes;
  const std::uint64_t first = range.offset / kBlockBytes * kBlockBytes;
  const std::uint64_t end = range.length == 0 ? first : round_up_to_page(range.end());
  EXPECT_LE(end, bytes.size() - kPageBytes) << "a read past stored_bytes";
  if (end > bytes.size() - kPageBytes) return error(Errc::io_error, "past the record's end");
  RecordBytes answer(end - first);
  std::memcpy(answer.memory.data(), bytes.data(), kPageBytes);
  std::ranges::copy(ByteView(bytes).subspan(kPageBytes + first, end - first), answer.blocks().begin());
  answer.first_block = static_cast<std::uint32_t>(first / kBlockBytes);
  bytes_read_ += end - first;
  return answer;
}

Task<> FakeDrive::remove(std::vector<ExtentId> extents) {
  co_await another_turn();
  const std::lock_guard lock(mutex_);
  std::erase_if(records_,
                [&](const auto& entry) { return std::ranges::find(extents, entry.first.extent) != extents.end(); });
  co_return Unit{};
}

Task<> FakeDrive::sync_index() {
  co_await another_turn();
  ++index_syncs_;
  co_return Unit{};
}

Task<std::vector<RecordInfo>> FakeDrive::list(RecordKey after, std::size_t limit) {
  co_await another_turn();
  const std::lock_guard lock(mutex_);
  std::vector<RecordInfo> infos;
  for (auto it = records_.upper_bound(after); it != records_.end() && infos.size() < limit; ++it) {
    const auto& header = *reinterpret_cast<const RecordHeader*>(it->second.bytes.data());
    infos.push_back({it->first, SetId{header.set}, it->second.epoch, header.stored_bytes, header.extent_bytes});
  }
  co_return infos;
}

Task<> FakeDrive::raise_epoch(SetId set, SetEpoch epoch) {
  co_await another_turn();
  const std::lock_guard lock(mutex_);
  epochs_[set] = std::max(epochs_[set], epoch);
  co_return Unit{};
}

Task<DriveUsage> FakeDrive::usage() {
  co_await another_turn();
  co_return DriveUsage{};
}

boost::asio::awaitable<void> FakeDrive::wait_while_held(Hold& hold) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(co_await boost::asio::this_coro::executor,
                                                                 boost::asio::steady_timer::time_point::max());
  {
    const std::lock_guard lock(mutex_);
    if (!hold.held) co_return;
    hold.waiting.push_back(timer);
  }
  boost::system::error_code woken;
  co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

void FakeDrive::release(Hold& hold) {
  std::vector<std::shared_ptr<boost::asio::steady_timer>> waiting;
  {
    const std::lock_guard lock(mutex_);
    hold.held = false;
    waiting.swap(hold.waiting);
  }
  for (const auto& timer : waiting) {
    boost::asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  }
}

void FakeDrive::fail_appends(std::optional<Errc> code, int after) {
  const std::lock_guard lock(mutex_);
  append_failure_ = code;
  appends_before_failure_ = after;
}

void FakeDrive::fail_syncs(std::optional<Errc> code) {
  const std::lock_guard lock(mutex_);
  sync_failure_ = code;
}

void FakeDrive::fail_reads(std::optional<Errc> code) {
  const std::lock_guard lock(mutex_);
  read_failure_ = code;
}

void FakeDrive::hang_reads() {
  const std::lock_guard lock(mutex_);
  reads_held_.held = true;
}

void FakeDrive::release_reads() { release(reads_held_); }

void FakeDrive::hang_appends() {
  const std::lock_guard lock(mutex_);
  appends_held_.held = true;
}

void FakeDrive::release_appends() { release(appends_held_); }

std::size_t FakeDrive::hanging_reads() const {
  const std::lock_guard lock(mutex_);
  return reads_held_.waiting.size();
}

void FakeDrive::lose_power() {
  const std::lock_guard lock(mutex_);
  std::erase_if(records_, [](const auto& entry) { return !entry.second.synced; });
}

void FakeDrive::flip(const RecordKey& key, std::size_t byte, unsigned bit) {
  const std::lock_guard lock(mutex_);
  auto& bytes = records_.at(key).bytes;
  bytes.at(byte) ^= std::byte{1} << bit;
}

void FakeDrive::forget(const RecordKey& key) {
  const std::lock_guard lock(mutex_);
  records_.erase(key);
}

void FakeDrive::forget_all() {
  const std::lock_guard lock(mutex_);
  records_.clear();
}

void FakeDrive::replace(const RecordKey& key, std::vector<std::byte> page_and_payload) {
  const std::lock_guard lock(mutex_);
  auto& header = *reinterpret_cast<RecordHeader*>(page_and_payload.data());
  checksum_blocks(header, 0, std::span(page_and_payload).subspan(kPageBytes));
  seal_header(header);
  records_.at(key).bytes = std::move(page_and_payload);
}

std::vector<RecordKey> FakeDrive::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<RecordKey> keys;
  for (const auto& [key, record] : records_) keys.push_back(key);
  return keys;
}

std::vector<std::byte> FakeDrive::stored(const RecordKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(key);
  return found == records_.end() ? std::vector<std::byte>{} : found->second.bytes;
}

bool FakeDrive::is_synced(const RecordKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(key);
  return found != records_.end() && found->second.synced;
}

}  // namespace firn::volume::testing
