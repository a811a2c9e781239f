#include "server/membership.h"

#include <algorithm>

namespace firn::metadata {
namespace {

/// A learner that lacks no more than this is close: it will have the rest before it is asked to vote.
constexpr std::uint64_t kCloseEntries = 1'000;

}  // namespace

std::optional<MembershipKeeper::Change> MembershipKeeper::look(bool leads, const std::vector<FirnRaftMember>& members,
                                                               std::uint64_t committed, Clock::time_point now) {
  if (!leads) {
    heard_.clear();
    return std::nullopt;
  }
  std::size_t voters = 0;
  const FirnRaftMember* follower = nullptr;
  const FirnRaftMember* lost = nullptr;
  for (const FirnRaftMember& member : members) {
    // A new leader gives everybody the whole time.
    auto [heard, first] = heard_.try_emplace(member.id, now);
    if (member.active) heard->second = now;
    if (member.voter) {
      ++voters;
      if (now - heard->second > options_.voter_lost_after) lost = &member;
    } else if (member.active && !member.needs_snapshot && member.matched + kCloseEntries >= committed) {
      follower = &member;
    }
  }
  if (follower == nullptr) return std::nullopt;
  if (voters < options_.voters_max) return Change{kFirnRaftAddVoter, follower->id};
  if (lost != nullptr) return Change{kFirnRaftAddLearner, lost->id};
  return std::nullopt;
}

std::optional<MembershipKeeper::Change> MembershipKeeper::admit(const std::vector<FirnRaftMember>& members,
                                                                std::uint64_t member) {
  for (const FirnRaftMember& other : members) {
    if (other.id == member) return std::nullopt;
    if (node_of(other.id) != node_of(member)) continue;
    // What the node had under its old number is lost, and so is that number. A request may come late, though, and a
    // clock may stand behind where it stood: then the number that is not heard of is the old one.
    if (other.id > member && other.active) return std::nullopt;
    return Change{kFirnRaftRemove, other.id};
  }
  return Change{kFirnRaftAddLearner, member};
}

}  // namespace firn::metadata
