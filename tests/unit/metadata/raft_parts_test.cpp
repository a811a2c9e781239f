#include <gtest/gtest.h>

#include "apply/applier.h"
#include "log/raft_entry.h"
#include "log/read_barriers.h"
#include "map_state.h"
#include "server/membership.h"

namespace firn::metadata {
namespace {

using namespace std::chrono_literals;

LogEntry command_of(const Origin& origin, const std::string& command) {
  return {.kind = LogEntry::Kind::command, .origin = origin, .command = command};
}

TEST(RaftEntry, ComesBackAsItWasWrittenAndIsRefusedWhenDamaged) {
  const std::string bytes = encode_raft_entry(command_of({.member = 7, .start = 3, .sequence = 99}, "command"));
  const Result<LogEntry> read = decode_raft_entry(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, LogEntry::Kind::command);
  EXPECT_EQ(read->origin, (Origin{.member = 7, .start = 3, .sequence = 99}));
  EXPECT_EQ(read->command, "command");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(decode_raft_entry(damaged)) << i;
    EXPECT_FALSE(decode_raft_entry(std::string_view(bytes).substr(0, i)) && i != 0) << i;
  }
  EXPECT_EQ(decode_raft_entry({})->kind, LogEntry::Kind::nothing);
}

/// Applies entries, and tells which commands were taken.
class FenceTest : public testing::Test {
 protected:
  Result<Outcome> apply(const LogEntry& entry) {
    Transaction changes(state_);
    Result<Outcome> outcome = applier_.apply(++index_, entry, changes);
    state_.commit(changes);
    return outcome;
  }
  bool takes(const Origin& origin) {
    const std::string command = encode_command({.operation = PutConfig{.name = "name", .value = "value"}});
    const Result<Outcome> outcome = apply(command_of(origin, command));
    EXPECT_TRUE(outcome);
    return outcome && outcome->answer.has_value();
  }
  void fence(const Origin& origin) { EXPECT_TRUE(apply({.kind = LogEntry::Kind::fence, .origin = origin})); }

  MapState state_;
  Applier applier_ = Applier::open(state_).value();
  std::uint64_t index_ = 0;
};

TEST_F(FenceTest, RefusesWhatIsOlderAndNothingElse) {
  EXPECT_TRUE(takes({.member = 1, .start = 2, .sequence = 5}));
  fence({.member = 1, .start = 2, .sequence = 10});
  EXPECT_FALSE(takes({.member = 1, .start = 2, .sequence = 9}));
  EXPECT_FALSE(takes({.member = 1, .start = 1, .sequence = 11}));
  EXPECT_TRUE(takes({.member = 1, .start = 2, .sequence = 10}));
  EXPECT_TRUE(takes({.member = 1, .start = 3, .sequence = 1}));
  EXPECT_TRUE(takes({.member = 2, .start = 1, .sequence = 1}));
}

TEST_F(FenceTest, IsNotLoweredByOneThatComesLateAndOutlivesARestart) {
  fence({.member = 1, .start = 2, .sequence = 10});
  fence({.member = 1, .start = 2, .sequence = 4});
  fence({.member = 1, .start = 1, .sequence = 40});
  applier_ = Applier::open(state_).value();
  EXPECT_FALSE(takes({.member = 1, .start = 2, .sequence = 9}));
  EXPECT_TRUE(takes({.member = 1, .start = 2, .sequence = 10}));
}

TEST(ReadBarriers, ShareAQuestionAndWaitForTheStateToGetThere) {
  std::vector<std::uint64_t> asked;
  ReadBarriers barriers([&](std::uint64_t request) { asked.push_back(request); }, 1s, 100ms);
  int reached = 0;
  const auto count = [&](const Result<>& result) { reached += result ? 1 : 0; };
  barriers.add(count);
  barriers.add(count);  // Comes after the question: its answer says nothing about this one.
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1}));
  barriers.answered(1, 7);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1, 2}));
  barriers.applied(6);
  EXPECT_EQ(reached, 0);
  barriers.applied(7);
  EXPECT_EQ(reached, 1);
  barriers.answered(2, 7);
  EXPECT_EQ(reached, 2);
}

TEST(ReadBarriers, AskAgainAndTakeTheAnswerToAnyLaterQuestion) {
  std::uint64_t last = 0;
  ReadBarriers barriers([&](std::uint64_t request) { last = request; }, 10s, 100ms);
  std::vector<bool> results;
  barriers.add([&](const Result<>& result) { results.push_back(result.has_value()); });
  const auto now = std::chrono::steady_clock::now();
  barriers.tick(now + 1s);
  EXPECT_EQ(last, 2u);
  barriers.answered(1, 0);
  EXPECT_EQ(results, std::vector<bool>{true});
  barriers.add([&](const Result<>& result) { results.push_back(result.has_value()); });
  barriers.tick(now + 20s);
  EXPECT_EQ(results, (std::vector<bool>{true, false}));
}

class Membership : public testing::Test {
 protected:
  using Clock = MembershipKeeper::Clock;
  static FirnRaftMember member(std::uint64_t id, bool voter, bool active = true, std::uint64_t matched = 5'000) {
    return {.id = id, .matched = matched, .voter = voter, .active = active, .needs_snapshot = false};
  }
  std::optional<MembershipKeeper::Change> look(const std::vector<FirnRaftMember>& members) {
    return keeper_.look(true, members, 5'000, now_);
  }
  MembershipKeeper keeper_{{.voters_max = 3, .voter_lost_after = 5min}};
  Clock::time_point now_ = Clock::now();
};

TEST_F(Membership, MakesACloseLearnerAVoterWhileThereAreTooFew) {
  EXPECT_EQ(look({member(1, true), member(2, true), member(3, false)}),
            (MembershipKeeper::Change{kFirnRaftAddVoter, 3}));
  EXPECT_EQ(look({member(1, true), member(2, true), member(3, false, true, 100)}), std::nullopt);
  EXPECT_EQ(look({member(1, true), member(2, true), member(3, false, false)}), std::nullopt);
  EXPECT_EQ(look({member(1, true), member(2, true), member(3, true), member(4, false)}), std::nullopt);
}

TEST_F(Membership, ReplacesAVoterThatStaysSilentOnlyWhenAnotherIsThere) {
  const auto silent = [](bool learner_active) {
    return std::vector{member(1, true), member(2, true), member(3, true, false), member(4, false, learner_active)};
  };
  EXPECT_EQ(look(silent(true)), std::nullopt);
  now_ += 4min;
  EXPECT_EQ(look(silent(true)), std::nullopt);
  now_ += 2min;
  EXPECT_EQ(look(silent(false)), std::nullopt);
  EXPECT_EQ(look(silent(true)), (MembershipKeeper::Change{kFirnRaftAddLearner, 3}));
}

TEST_F(Membership, LetsAWipedNodeInUnderItsNewNumberAlone) {
  constexpr std::uint64_t kOld = 3, kNew = 77ULL << 32 | 3;
  EXPECT_EQ(MembershipKeeper::admit({member(1, true), member(kOld, true)}, kNew),
            (MembershipKeeper::Change{kFirnRaftRemove, kOld}));
  EXPECT_EQ(MembershipKeeper::admit({member(1, true)}, kNew), (MembershipKeeper::Change{kFirnRaftAddLearner, kNew}));
  EXPECT_EQ(MembershipKeeper::admit({member(1, true), member(kNew, false)}, kNew), std::nullopt);
  constexpr std::uint64_t kLower = 70ULL << 32 | 3;
  EXPECT_EQ(MembershipKeeper::admit({member(1, true), member(kNew, false)}, kLower), std::nullopt);
  EXPECT_EQ(MembershipKeeper::admit({member(1, true), member(kNew, false, false)}, kLower),
            (MembershipKeeper::Change{kFirnRaftRemove, kNew}));
}

}  // namespace
}  // namespace firn::metadata
