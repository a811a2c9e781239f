#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core.h"
#include "event.h"
#include "extent.h"
#include "firn/base/result.h"
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// Whole blocks of one record, being read from its drive and verified when they are looked at.
///
/// Threads: one io thread. Shared by the pieces that need it and by the read itself: one that nobody waits for any more
/// keeps its memory until the drive answers.
class ShardRead : public std::enable_shared_from_this<ShardRead> {
 public:
  enum class State : std::uint8_t { pending, unchecked, good, bad };

  struct Request {
    Extent extent;
    RecordKey key;
    ByteRange blocks;         ///< Whole blocks within stored_bytes; none: the header alone.
    bool tell_damage = true;  ///< Repair and scrub look for damage themselves.
  };

  /// Starts reading from the drive that has the record's place in `view`, or had it before a move. `done` is signalled
  /// when it has answered.
  static std::shared_ptr<ShardRead> start(std::shared_ptr<Core> core, std::shared_ptr<const View> view,
                                          const Request& request, std::shared_ptr<Event> done);

  /// Verifies an answer that has come, once: identity, geometry and every block. Tells the client's owner of damage.
  State check();

  const RecordKey& key() const { return request_.key; }
  DriveIndex drive() const { return drive_; }
  bool covers(const RecordKey& key, ByteRange blocks) const;
  std::chrono::steady_clock::time_point started() const { return started_; }
  bool is_pending() const { return state_ == State::pending; }
  bool is_good() const { return state_ == State::good; }
  bool is_bad() const { return state_ == State::bad; }
  bool is_overdue() const { return overdue_; }
  /// The read has outlived the patience: the drive's other reads shall know.
  void mark_overdue();

  /// Of a good read: bytes of `range`, which must be covered. The memory to rebuild from.
  MutableBytes bytes(ByteRange range);
  const RecordHeader& header() const;
  /// Of a bad read.
  const Error& failure() const { return answer_.error(); }
  /// Tells that the record should be rebuilt, once. A shard that is merely absent is told by who knows the extent
  /// lives.
  void report_missing();

 private:
  ShardRead(std::shared_ptr<Core> core, std::shared_ptr<const View> view, const Request& request,
            std::shared_ptr<Event> done);
  const StripeSet& set() const { return *view_->find_set(request_.extent.set); }
  static boost::asio::awaitable<void> run(std::shared_ptr<ShardRead> self);
  Result<> verify() const;
  void report(const Error& failure);
  void tell_damage(Errc reason);

  std::shared_ptr<Core> core_;        // Shared: the read may outlive its reader and the client.
  std::shared_ptr<const View> view_;  // Keeps the drive's service alive.
  const Request request_;
  const Sources sources_;  // Asked in turn: a shard that moves is on either.
  const DriveIndex drive_;
  DriveIndex answered_by_ = drive_;
  std::shared_ptr<Event> done_;  // Shared with the reader, which may go first.
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  State state_ = State::pending;
  bool overdue_ = false;
  bool told_ = false;
  Result<RecordBytes> answer_;
};

/// Waits until all reads (null ones aside) have answered, or half a minute has passed: nobody waits for scrub and
/// repair, but neither may one hanging drive stop them. What has not answered by then stays pending.
boost::asio::awaitable<void> wait_for_answers(Core& core, std::span<const std::shared_ptr<ShardRead>> reads,
                                              Event& done);

}  // namespace firn::volume
