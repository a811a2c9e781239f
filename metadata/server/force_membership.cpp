#include <fcntl.h>

#include "files/posix_file.h"
#include "firn/metadata/node.h"
#include "log/log_set.h"
#include "log/raft_log.h"
#include "rows/try.h"
#include "server/membership.h"

namespace firn::metadata {
namespace {

/// A node that runs has its drives locked.
Result<std::vector<PosixFile>> lock(const std::vector<Node::Drive>& drives) {
  std::vector<PosixFile> locks;
  for (const auto& drive : drives) {
    auto file = PosixFile::open(drive.directory / "meta" / "lock", O_RDWR);
    if (!file) return error(Errc::not_found, drive.directory.string() + " holds no metadata");
    TRY(file->lock());
    locks.push_back(*std::move(file));
  }
  return locks;
}

}  // namespace

Result<Node::ForcedMembership> Node::force_membership(const Options& options, bool force) {
  TRY_LET(const auto locks, lock(options.drives));
  LogSet::Options found{.drive_count = options.drive_count, .losses = options.losses};
  for (const auto& drive : options.drives) found.drives.push_back({drive.index, drive.directory});
  TRY_LET(const auto set, LogSet::open(std::move(found)));
  if (set->fresh()) return error(Errc::not_found, "the drives hold no metadata");
  const auto record = set->record();
  std::vector<LogSet::Drive> members = set->living();
  std::erase_if(members, [&](const LogSet::Drive& drive) { return !record.has(drive.index); });
  TRY_LET(const auto log, RaftLog::open(*set, members, {.file_bytes = options.log_file_bytes}, {}));
  if (log->recovered().member == 0) return error(Errc::not_found, "the drives hold no log of a cluster");
  std::vector<std::uint64_t> voters;
  TRY_LET(const auto standpoint, log->standpoint(voters));
  ForcedMembership outcome{
      .node = node_of(log->member()), .voters = {}, .committed = standpoint.committed, .last = standpoint.last};
  for (const auto voter : voters) outcome.voters.push_back(node_of(voter));
  if (!force) return outcome;
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock_source();
  const auto done = log->stand_alone(clock.now_unix_ms());
  if (!done) return error(Errc::invalid_argument, done.error().detail);
  return outcome;
}

}  // namespace firn::metadata
