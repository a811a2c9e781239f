#include "apply/applier.h"

#include <algorithm>

#include "apply/context.h"
#include "apply/leap.h"

namespace firn::metadata {
namespace {

/// A refusal is decided by the command and the state. These say instead that the state or the command can't be read.
bool is_fatal(Errc code) {
  return code == Errc::corrupt || code == Errc::io_error || code == Errc::internal ||
         code == Errc::unsupported_version || code == Errc::cancelled;
}

}  // namespace

Result<Applier> Applier::open(const Reader& state) {
  TRY_LET(const Progress progress, load_progress(state));
  if (progress.feature_level > kFeatureLevel) {
    return error(Errc::unsupported_version, "the state has feature level " + std::to_string(progress.feature_level));
  }
  TRY_LET(Sets sets, Sets::load(state));
  TRY_LET(Fences fences, Fences::load(state));
  return Applier(progress, std::move(sets), std::move(fences));
}

Result<Outcome> Applier::apply(std::uint64_t index, const LogEntry& entry, Transaction& changes) {
  if (index != progress_.applied_index + 1) {
    return error(Errc::corrupt, "entry " + std::to_string(index) + " does not follow entry " +
                                    std::to_string(progress_.applied_index));
  }
  if (entry.kind == LogEntry::Kind::leap) return apply_leap(index, entry.command, changes);
  const bool refused = entry.kind == LogEntry::Kind::command && fences_.refuses(entry.origin);
  if (entry.kind == LogEntry::Kind::command && !refused) return apply_command(index, entry.command, changes);

  Outcome outcome;
  // Its proposer was told that it never happened, and may have proposed it again.
  if (refused) outcome.answer = error(Errc::cancelled, "a proposal that was given up");
  if (entry.kind == LogEntry::Kind::fence) fences_.raise(entry.origin, changes);
  progress_.applied_index = index;
  store_progress(changes, progress_);
  return outcome;
}

Result<Outcome> Applier::apply_leap(std::uint64_t index, std::string_view payload, Transaction& changes) {
  TRY_LET(const UnixMs now, decode_leap(payload));
  Progress next = progress_;
  next.applied_index = index;
  TRY(leap(changes, next, now));
  TRY_LET(sets_, Sets::load(changes));
  Outcome outcome;
  TRY_LET(outcome.map, load<MapRecord>(changes, Family::config, keys::cluster_map()));
  store_progress(changes, next);
  progress_ = next;
  return outcome;
}

Result<Outcome> Applier::apply_command(std::uint64_t index, std::string_view entry, Transaction& changes) {
  TRY_LET(Command command, decode_command(entry));

  Outcome outcome;
  Progress next = progress_;
  next.applied_index = index;
  next.time_ms = std::max(next.time_ms, command.time_ms);
  const Progress refused = next;
  Context context{.state = changes,
                  .progress = next,
                  .sets = sets_,
                  .outcome = outcome,
                  .order = {next.shard_epoch, index},
                  .now_ms = next.time_ms};
  if (command.shard_epoch != progress_.shard_epoch) {
    outcome.answer = error(Errc::stale_epoch, "command of shard epoch " + std::to_string(command.shard_epoch));
  } else {
    outcome.answer = std::visit([&](auto&& operation) { return metadata::apply(context, std::move(operation)); },
                                std::move(command.operation));
  }
  if (!outcome.answer) {
    if (is_fatal(outcome.answer.error().code)) return outcome.answer.error();
    changes.clear();
    next = refused;
  }
  store_progress(changes, next);
  progress_ = next;
  return outcome;
}

}  // namespace firn::metadata
