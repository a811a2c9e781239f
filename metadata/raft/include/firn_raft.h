#pragma once

#include <cstddef>
#include <cstdint>

// The replicated log of a cluster, a Rust library: raft-rs decides, raft-engine keeps the log on the node's drives.
// What an entry says is the caller's affair, and so is sending messages and fetching snapshots. The two sides of this
// ABI, this header and src/ffi.rs, change together.
//
// Functions that can fail return a text, to be freed by `firn_raft_free_text`, or null. Bytes are borrowed for the
// length of a call. A member's number holds its node in the lower half; the upper half changes when a node is wiped.

extern "C" {

struct FirnRaft;

struct FirnRaftBytes {
  const std::uint8_t* data;
  std::size_t size;
};

struct FirnRaftEntry {
  std::uint64_t index;
  FirnRaftBytes data;  // Empty: it changes nothing but the log.
};

// From the library's own threads, several at once. Where nothing else is said a call must return at once; it may call
// the library. None comes before `firn_raft_start` but the drives', and none once `firn_raft_stop` has returned.
struct FirnRaftCallbacks {
  void* context;
  // Committed entries in order, each once. On a thread of its own; may wait.
  void (*committed)(void*, const FirnRaftEntry*, std::size_t count);
  // Put the snapshot that was fetched last in place of the state; as `committed`. Whether that was done.
  bool (*install)(void*, std::uint64_t index);
  // What was answered anywhere before the request was made lies up to `index`.
  void (*read_ready)(void*, std::uint64_t request, std::uint64_t index);
  void (*send)(void*, std::uint64_t to, FirnRaftBytes message);
  void (*standing_changed)(void*, bool leads, std::uint64_t leader, std::uint64_t term);
  // Proposals were dropped, because there is no leader.
  void (*dropped)(void*);
  // Somebody needs a snapshot: answer by `firn_raft_offer_snapshot` or `firn_raft_withdraw_snapshot`.
  void (*snapshot_wanted)(void*);
  // The leader has one for us: fetch it, and say so by `firn_raft_snapshot_fetched`.
  void (*snapshot_offered)(void*, std::uint64_t from, std::uint64_t index, FirnRaftBytes name);
  void (*tick)(void*);
  // Nothing goes on any more.
  void (*failed)(void*, FirnRaftBytes why);
  // The drive's copy of the log can't be relied on. Returns when that is recorded; false when it can't be.
  bool (*drive_lost)(void*, std::uint16_t drive, FirnRaftBytes why);
  // The drive has no space. Whether some was made: then the write is tried again at once.
  bool (*drive_full)(void*, std::uint16_t drive);
  // A full drive need not be waited for any longer.
  bool (*stopping)(void*);
};

struct FirnRaftDrive {
  std::uint16_t drive;
  const char* directory;
};

struct FirnRaftRecovered {
  std::uint64_t member;   // 0: there is no log.
  std::uint64_t first;    // Entries from here
  std::uint64_t last;     // to here are in the log.
  std::uint64_t pending;  // A snapshot was being put in place when the process ended: end that before the start.
};

// What the log knows of its cluster.
struct FirnRaftStandpoint {
  std::uint64_t term;
  std::uint64_t committed;  // Entries up to it are known to be; more may have been.
  std::uint64_t last;
  std::size_t voters;
};

struct FirnRaftTimes {
  std::uint64_t tick_ms;
  std::uint32_t heartbeat_ticks;
  std::uint32_t election_ticks;
};

struct FirnRaftMember {
  std::uint64_t id;
  std::uint64_t matched;  // The leader alone knows this
  bool voter;
  bool active;          // and this
  bool needs_snapshot;  // and this.
};

struct FirnRaftStatus {
  std::uint64_t leader;
  std::uint64_t term;
  std::uint64_t committed;
  std::uint64_t first;
  std::uint64_t last;
  bool leads;
  bool failed;
};

enum FirnRaftChange : std::uint8_t { kFirnRaftAddLearner = 0, kFirnRaftAddVoter = 1, kFirnRaftRemove = 2 };

void firn_raft_free_text(char* text);

// Recovers the log from its drives, and makes all copies the same as the newest. Drives that fail are left out: see
// `firn_raft_drives`.
char* firn_raft_open(const FirnRaftDrive* drives, std::size_t count, std::uint64_t file_bytes,
                     const FirnRaftCallbacks* callbacks, FirnRaft** out);
char* firn_raft_recovered(const FirnRaft* raft, FirnRaftRecovered* out);
// Begins the log of a member that has none: with all voters after entry `index`, or with none, to be sent everything.
char* firn_raft_begin(const FirnRaft* raft, std::uint64_t member, const std::uint64_t* voters, std::size_t count,
                      std::uint64_t index);
// Before the start, or instead of one. The first `room` voters are written to `voters`.
char* firn_raft_standpoint(const FirnRaft* raft, FirnRaftStandpoint* out, std::uint64_t* voters, std::size_t room);
// Instead of a start, after most voters were lost for ever: this member is the only one from here on, and all its
// entries stand, and after them `entry`, in the same write. Members that are still there must come again as new ones.
char* firn_raft_stand_alone(const FirnRaft* raft, FirnRaftBytes entry);
// `applied`: the state has all entries up to it. `start` differs from that of all earlier starts of the member.
char* firn_raft_start(const FirnRaft* raft, const FirnRaftTimes* times, std::uint64_t applied, std::uint64_t start);

// Each entry gets its own index. What becomes of them is seen in `committed` alone.
void firn_raft_propose(const FirnRaft* raft, const FirnRaftBytes* entries, std::size_t count);
// May be forgotten: ask again.
void firn_raft_read(const FirnRaft* raft, std::uint64_t request);
void firn_raft_receive(const FirnRaft* raft, FirnRaftBytes message);
void firn_raft_unreachable(const FirnRaft* raft, std::uint32_t node);
// By the leader, and one at a time: others are forgotten.
void firn_raft_change(const FirnRaft* raft, std::uint8_t kind, std::uint64_t member);
void firn_raft_transfer(const FirnRaft* raft, std::uint64_t to);
// Entries up to `index` are not needed any more.
void firn_raft_compact(const FirnRaft* raft, std::uint64_t index);

void firn_raft_offer_snapshot(const FirnRaft* raft, std::uint64_t index, FirnRaftBytes name);
void firn_raft_withdraw_snapshot(const FirnRaft* raft);
void firn_raft_snapshot_fetched(const FirnRaft* raft, bool fetched);
// The member could not fetch what it was offered.
void firn_raft_snapshot_refused(const FirnRaft* raft, std::uint64_t member);

char* firn_raft_add_drive(const FirnRaft* raft, std::uint16_t drive, const char* directory);
void firn_raft_drop_drive(const FirnRaft* raft, std::uint16_t drive);
// How many drives have the log; the first `room` of them are written to `out`.
std::size_t firn_raft_drives(const FirnRaft* raft, std::uint16_t* out, std::size_t room);
std::size_t firn_raft_status(const FirnRaft* raft, FirnRaftStatus* status, FirnRaftMember* members, std::size_t room);

// Ends the threads, after what was committed has been handed on.
void firn_raft_stop(const FirnRaft* raft);
void firn_raft_close(FirnRaft* raft);

}  // extern "C"
