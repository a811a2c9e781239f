#pragma once

#include <firn_raft.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "firn/base/ids.h"

namespace firn::metadata {

/// The node of a member's number; the rest of it changes when the node loses what it had.
inline NodeId node_of(std::uint64_t member) { return {static_cast<std::uint32_t>(member)}; }

/// What the leader changes about the members by itself: who follows closely becomes a voter while there are too few,
/// and a voter that stays silent makes room.
///
/// Threads: one.
class MembershipKeeper {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::size_t voters_max = 3;
    std::chrono::milliseconds voter_lost_after{std::chrono::minutes(5)};
  };
  struct Change {
    FirnRaftChange kind;
    std::uint64_t member;
    friend bool operator==(const Change&, const Change&) = default;
  };

  explicit MembershipKeeper(Options options) : options_(options) {}

  /// One change, or none. Asked about once a second while this node leads; `leads` false forgets who was silent.
  std::optional<Change> look(bool leads, const std::vector<FirnRaftMember>& members, std::uint64_t committed,
                             Clock::time_point now);

  /// What lets the node of `member` in: one step at a time, so that no two changes are under way. Nothing when it is
  /// in.
  static std::optional<Change> admit(const std::vector<FirnRaftMember>& members, std::uint64_t member);

 private:
  const Options options_;
  std::map<std::uint64_t, Clock::time_point> heard_;
};

}  // namespace firn::metadata
