#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "apply/fences.h"
#include "apply/log_entry.h"
#include "apply/sets.h"
#include "apply/transaction.h"
#include "command/command.h"
#include "rows/rows.h"

namespace firn::metadata {

/// Whether sweeping a deleted bucket has to go on.
struct SweepState {
  bool more = false;
};

/// What a command answers its proposer.
using AnswerValue =
    std::variant<Unit, Bucket, Committed, std::vector<Deleted>, Upload, Part, Completed, LeaseId, SweepState>;
using Answer = Result<AnswerValue>;

/// How a command came out.
struct Outcome {
  Answer answer;
  std::optional<Bucket> created, removed;  ///< For those who keep a table of buckets.
  std::optional<MapRecord> map;            ///< The cluster map, when it was changed.
};

/// Decides commands, one after another: a function of state and entry, with no clock, random number or thread.
///
/// Threads: one.
class Applier {
 public:
  /// Reads where `state` stands.
  static Result<Applier> open(const Reader& state);

  /// Decides the entry at `index`, which must follow the last one; `changes` is empty and lies over the state, and
  /// holds what is to be written, the progress row included. An error, unlike a refusal in the outcome, says that the
  /// state can't be read or the command is not known: nothing may be applied any more.
  Result<Outcome> apply(std::uint64_t index, const LogEntry& entry, Transaction& changes);
  /// A command alone.
  Result<Outcome> apply(std::uint64_t index, std::string_view command, Transaction& changes) {
    return apply(index, LogEntry{.command = command}, changes);
  }

  const Progress& progress() const { return progress_; }

 private:
  Applier(Progress progress, Sets sets, Fences fences)
      : progress_(progress), sets_(std::move(sets)), fences_(std::move(fences)) {}
  Result<Outcome> apply_command(std::uint64_t index, std::string_view entry, Transaction& changes);
  Result<Outcome> apply_leap(std::uint64_t index, std::string_view payload, Transaction& changes);

  Progress progress_;
  Sets sets_;
  Fences fences_;
};

}  // namespace firn::metadata
