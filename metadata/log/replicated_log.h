#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apply/log_entry.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// A command on its way into the log. It belongs to the log from `propose` on, until it fails or is committed.
class Proposal {
 public:
  explicit Proposal(std::string bytes) : entry(std::move(bytes)) {}
  virtual ~Proposal() = default;
  /// The log did not take it, or does not know whether it did (Errc::ambiguous). Called once, instead of being
  /// committed.
  virtual void fail(Error why) = 0;

  const std::string entry;
};

/// An entry that is durable and has its place.
struct CommittedEntry {
  std::uint64_t index = 0;
  std::unique_ptr<Proposal> proposal;  ///< Null where nobody here waits for it.
  std::string command;                 ///< Where there is no proposal.
  LogEntry::Kind kind = LogEntry::Kind::command;
  Origin origin;

  LogEntry entry() const {
    return {.kind = kind, .origin = origin, .command = proposal ? std::string_view(proposal->entry) : command};
  }
};

/// The order of all changes, durable before anything of it is applied: one node's drives, or a group of nodes.
///
/// Threads: `propose` and `status` from any.
/// Durability: an entry handed to the sink survives the loss of any m drives (or of a minority of nodes).
/// Memory: proposals waiting are bounded by count and bytes; past that Errc::slow_down.
class ReplicatedLog {
 public:
  /// Gets committed entries in order, on the log's thread. May wait, and thereby hold back the log.
  using Sink = std::function<void(std::vector<CommittedEntry> entries)>;

  virtual ~ReplicatedLog() = default;
  /// The proposal is committed or fails, exactly once: Errc::slow_down, insufficient_storage, durability_unavailable or
  /// cancelled when it was surely not taken, ambiguous when nobody knows.
  virtual void propose(std::unique_ptr<Proposal> proposal) = 0;

  /// Whether the state here may lack what was answered elsewhere. Where it can't, readers need not ask for a barrier.
  virtual bool reads_need_barrier() const = 0;
  /// Called once, on any thread: the state here now has everything that was answered anywhere before the call.
  /// Errc::durability_unavailable when no leader could be asked in time, cancelled at a stop.
  using Barrier = std::function<void(Result<>)>;
  virtual void read_barrier(Barrier reached) = 0;

  struct Status {
    std::uint64_t last_index = 0;      ///< Of what is durable.
    std::uint64_t retained_bytes = 0;  ///< In files that can't be used again yet.
    std::size_t waiting = 0;           ///< Proposals not written yet.
    bool wants_file = false;           ///< The file in use is half full and no other is at hand.
    bool failed = false;               ///< Nothing is taken any more until a restart.
  };
  virtual Status status() const = 0;
};

}  // namespace firn::metadata
