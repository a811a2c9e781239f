#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "firn/volume/drive_service.h"

namespace firn::volume::testing {

/// A drive in memory that behaves like one: it refuses old epochs, seals headers, keeps what was synced apart from what
/// was only written, and fails, hangs or lies on demand.
///
/// Threads: callable from any io thread.
class FakeDrive : public DriveService {
 public:
  explicit FakeDrive(DriveIndex index) : index_(index) {}

  DriveIndex index() const override { return index_; }
  Task<> append(Append request) override;
  Task<> sync() override;
  Task<RecordBytes> read(RecordKey key, ByteRange range) override;
  Task<> remove(std::vector<ExtentId> extents) override;
  Task<> sync_index() override;
  Task<std::vector<RecordInfo>> list(RecordKey after, std::size_t limit) override;
  Task<> raise_epoch(SetId set, SetEpoch epoch) override;
  Task<DriveUsage> usage() override;

  /// What the drive answers from now on; nothing: it works. `after` appends still succeed.
  void fail_appends(std::optional<Errc> code, int after = 0);
  void fail_syncs(std::optional<Errc> code);
  void fail_reads(std::optional<Errc> code);
  /// Reads don't answer until released.
  void hang_reads();
  void release_reads();
  /// Appends don't answer until released.
  void hang_appends();
  void release_appends();

  /// Power failure: what was not synced is gone.
  void lose_power();
  /// Flips one bit of the stored record: header page first, then payload.
  void flip(const RecordKey& key, std::size_t byte, unsigned bit = 0);
  void forget(const RecordKey& key);
  void forget_all();
  /// Appends are acknowledged and synced, but another content is stored under a valid checksum.
  void replace(const RecordKey& key, std::vector<std::byte> page_and_payload);

  std::vector<RecordKey> keys() const;
  std::vector<std::byte> stored(const RecordKey& key) const;
  bool is_synced(const RecordKey& key) const;
  std::size_t reads() const { return reads_.load(); }
  std::uint64_t bytes_read() const { return bytes_read_.load(); }
  std::size_t hanging_reads() const;
  std::size_t syncs() const { return syncs_.load(); }
  std::size_t index_syncs() const { return index_syncs_.load(); }

  /// Called with the bytes of an append when it starts, and with minus as many when it ends.
  std::function<void(std::int64_t)> on_append_bytes;

 private:
  struct Stored {
    std::vector<std::byte> bytes;
    SetEpoch epoch;
    bool synced = false;
  };
  /// Coroutines that wait to be let go on.
  struct Hold {
    bool held = false;
    std::vector<std::shared_ptr<boost::asio::steady_timer>> waiting;
  };
  Result<> store(const Append& request);
  Result<RecordBytes> find(const RecordKey& key, ByteRange range);
  boost::asio::awaitable<void> wait_while_held(Hold& hold);
  void release(Hold& hold);

  const DriveIndex index_;
  mutable std::mutex mutex_;
  std::map<RecordKey, Stored> records_;
  std::map<SetId, SetEpoch> epochs_;
  std::optional<Errc> append_failure_;
  int appends_before_failure_ = 0;
  std::optional<Errc> sync_failure_;
  std::optional<Errc> read_failure_;
  Hold reads_held_;
  Hold appends_held_;
  std::uint64_t next_offset_ = 0;
  std::atomic<std::size_t> reads_{0};
  std::atomic<std::uint64_t> bytes_read_{0};
  std::atomic<std::size_t> syncs_{0};
  std::atomic<std::size_t> index_syncs_{0};
};

}  // namespace firn::volume::testing
