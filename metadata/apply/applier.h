#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

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
  Result<Outcome> apply(std::uint64_t index, std::string_view entry, Transaction& changes);

  const Progress& progress() const { return progress_; }

 private:
  Applier(Progress progress, Sets sets) : progress_(progress), sets_(std::move(sets)) {}
  Progress progress_;
  Sets sets_;
};

}  // namespace firn::metadata
