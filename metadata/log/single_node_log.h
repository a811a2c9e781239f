#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "firn/base/clock.h"
#include "log/drive_log.h"
#include "log/log_directory.h"
#include "log/log_set.h"
#include "log/recovery.h"
#include "log/replicated_log.h"
#include "log/worker_threads.h"

namespace firn::metadata {

/// Where the log of one node lies on a drive.
inline std::filesystem::path log_path(const std::filesystem::path& drive) { return drive / "meta" / "log"; }

/// The log of one node, in files on the members of the log set.
///
/// Threads: one of its own gathers what is proposed, writes it to all members at once, syncs, and hands it to the sink.
/// `prepare`, `join` and `drop_below` may block and belong to the node's maintenance.
/// Durability: an entry is synced on every member before the sink gets it. A member that fails is taken out of the log
/// set first. Memory: `queue_count_max` and `queue_bytes_max` of proposals, and one batch.
class SingleNodeLog final : public DriveLog {
 public:
  struct Options {
    std::uint64_t file_bytes = 32 << 20;
    std::uint64_t first_file_bytes = 2 << 20;  ///< So that the first start has little to write.
    std::uint64_t after_index = 0;             ///< Entries up to this one are not replayed: the state has them.
    std::size_t queue_count_max = 16'384;
    std::size_t queue_bytes_max = 64 << 20;
    /// A drive has no space for a log file. Whether some was made.
    std::function<bool(DriveIndex)> full;
  };
  struct Member {
    DriveIndex drive;
    std::shared_ptr<LogDirectory> directory;  ///< Shared: a member that left may still be written to.
  };

  /// Recovers the log from `members`, which are those of the log set that are present. Those that fail are dropped from
  /// it by the caller, who asks `members` which are left. `set` and `clock` must outlive the log.
  static Result<std::unique_ptr<SingleNodeLog>> open(LogSet& set, Clock& clock, std::vector<Member> members,
                                                     Options options, const Replay& replay);
  ~SingleNodeLog() override;

  void start(Sink sink) override;
  void stop() override;

  void propose(std::unique_ptr<Proposal> proposal) override;
  /// An entry is applied before it is answered, and nobody else answers.
  bool reads_need_barrier() const override { return false; }
  void read_barrier(Barrier reached) override { reached({}); }
  Status status() const override;
  std::vector<DriveIndex> members() const override;

  /// Makes a free file when there is none and the one in use is half full, so that the next one is at hand.
  Result<> prepare() override;
  void drop_below(std::uint64_t index) override;
  /// Gives the drive the whole retained log, synced, and makes it a member of log and log set.
  Result<> join(Member member);
  Result<> join_drive(const LogSet::Drive& drive) override;

 private:
  SingleNodeLog(LogSet& set, Clock& clock, std::vector<Member> members, Options options);

  struct Written {
    std::uint64_t first_index;
    Result<> result;
  };
  void run();
  std::vector<std::unique_ptr<Proposal>> take_queue(std::unique_lock<std::mutex>& lock);
  void commit(std::vector<std::unique_ptr<Proposal>> proposals);
  Result<> write(const std::vector<std::string_view>& entries);
  Result<> write_pages(std::uint32_t slot, std::uint64_t offset, ByteView pages);
  /// Makes the active file one with room for the batch. Whether it is a new one, whose header is to be written.
  Result<bool> make_room(std::size_t bytes);
  LogSlot in_use() const;
  Result<LogSlot> take_free();
  Result<> make_file(std::uint64_t bytes);
  Result<> make_file_on(const Member& member, std::uint32_t slot, std::uint64_t bytes);
  void forget_lost_members();
  Result<> check_usable() const;
  void fail_all(std::vector<std::unique_ptr<Proposal>>& proposals, const Error& why);

  /// What of which file a joining member has already.
  struct Copied {
    std::uint64_t sequence = 0;
    std::uint64_t last_index = 0;
  };
  Result<> copy_slot(const LogSlot& slot, LogDirectory& to) const;
  Result<> attach(const Member& member, std::map<std::uint32_t, Copied>& copied);
  Result<> on_log_thread(std::function<Result<>()> call);
  /// For as long as whoever asks holds the members.
  static std::vector<LogDirectory*> directories(const std::vector<Member>& members);

  LogSet& set_;
  Clock& clock_;
  const Options options_;
  Sink sink_;

  /// Serialises `prepare` and `join`: both make files on every member.
  std::mutex preparing_;

  mutable std::mutex mutex_;  ///< Guards all that follows but what is the log thread's.
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Proposal>> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<std::function<void()>> calls_;
  std::vector<Member> members_;  ///< Changed by the log thread alone, once it runs.
  std::deque<LogSlot> used_;     ///< Changed at its end by the log thread alone.
  std::vector<LogSlot> free_;
  std::uint32_t next_slot_ = 1;
  std::uint64_t next_index_ = 1;
  bool stopping_ = false;
  bool failed_ = false;
  std::uint64_t position_ = 0;  ///< In the file in use. Changed by the log thread alone.

  // The log thread's.
  std::uint64_t last_sequence_ = 0;
  std::uint64_t set_number_ = 0;
  WorkerThreads workers_;
  std::thread thread_;
};

}  // namespace firn::metadata
