#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "firn/base/ids.h"
#include "store/rocks_store.h"
#include "store/state_mirror.h"

namespace firn::metadata {

/// Compares the state's files on all members with the checksums they were written with, and repairs copies from each
/// other.
///
/// Threads: any; `read_back` is called by the node's maintenance and may take as long as reading all new files does.
class StateGuard {
 public:
  struct Counts {
    std::uint64_t files_read_back = 0;
    std::uint64_t copies_repaired = 0;
  };

  /// `identity` is the log set's: marks of another state are not believed.
  StateGuard(RocksStore& store, StateMirror& mirror, const Uuid& identity);

  /// Believes the members' own marks of what was read back before this start, `except` files copied since.
  Result<> trust_marks(const std::set<std::string>& except);
  /// Forgets what was read back, and what is being read back: the state or a member is another one now.
  void forget();

  /// Reads every file of the state that was not read back yet on every member, past the page cache, and then removes
  /// the files that these have replaced. A copy that differs is rewritten; a member that can't keep one is lost. Begins
  /// anew when a member joins meanwhile: nobody has seen the copies that it had.
  Result<> read_back();

  /// Like read_back, of all files.
  Result<> read_back_all();

  /// Brings all files of the state to a member, as StateMirror::join does. Those that were copied.
  Result<std::vector<std::string>> join(const StateMirror::Member& member);

  /// Repairs the file that RocksDB's message of a corruption names. Whether a sound copy was found.
  bool heal(const std::string& detail);

  Counts counts() const;

 private:
  using LiveFile = RocksStore::LiveFile;
  /// False when what it saw was forgotten meanwhile.
  Result<bool> read_back_once();
  Result<std::vector<std::string>> join_held(const StateMirror::Member& member);
  Result<> check_table(const LiveFile& file);
  Result<> check_small_file(const LiveFile& file);
  /// To members whose copies were `seen`.
  Result<> write_marks(const std::vector<LiveFile>& files, const std::vector<StateMirror::Member>& seen);

  RocksStore& store_;
  StateMirror& mirror_;
  const Uuid identity_;
  /// One table is compared and repaired at a time: two that rewrote the same copy would each find the other's work, and
  /// take a good drive for one that keeps nothing.
  std::mutex checking_;
  std::mutex marking_;           ///< Held while it is recorded what was read back. Before `checking_`.
  std::uint64_t forgotten_ = 0;  ///< How often `forget` was called. Under `marking_`.
  mutable std::mutex mutex_;
  std::set<std::string> verified_;
  Counts counts_;
};

}  // namespace firn::metadata
