#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "firn/base/checksum.h"
#include "firn/base/ids.h"
#include "store/state_directory.h"

namespace firn::metadata {

class MirrorWriter;
class MirrorReader;

/// The state's files, the same on every member of the log set: writes go to all, reads to the first good one.
///
/// Threads: any.
/// Durability: a `sync` that returns has reached all members. A member on which a call fails is taken out of the log
/// set
/// (`lost`) before the call returns; while one member is left, calls succeed.
/// A full drive is not a failed one: a write waits for space (`full` may make some) until `stop_waiting`.
class StateMirror {
 public:
  struct Member {
    DriveIndex drive;
    std::shared_ptr<StateDirectory> directory;  ///< Shared: files of a member that left may still be open.
    /// A drive that left and came back is another member.
    friend bool operator==(const Member& a, const Member& b) { return a.directory == b.directory; }
  };
  struct Events {
    /// Takes the drive out of the log set, and calls `drop`. Its own failure makes the call that met it fail.
    std::function<Result<>(DriveIndex, const Error&)> lost;
    /// A drive has no space left. Whether some was made.
    std::function<bool(DriveIndex)> full;
  };

  StateMirror(std::vector<Member> members, Events events);
  ~StateMirror();

  Result<std::unique_ptr<MirrorWriter>> create(const std::string& name);
  Result<std::unique_ptr<MirrorReader>> open(const std::string& name);
  Result<std::vector<std::string>> list();
  Result<std::uint64_t> size(const std::string& name);
  /// Tables and blob files stay until `remove_doomed`: what replaced them has to be read back first.
  Result<> remove(const std::string& name);
  Result<> rename(const std::string& from, const std::string& to);
  Result<> sync_names();

  /// What waits for removal.
  std::set<std::string> doomed() const;
  void remove_doomed(const std::set<std::string>& names);

  /// The drive is no member any more.
  void drop(DriveIndex drive);
  /// What a table or blob file was written with.
  struct Sum {
    std::uint64_t bytes = 0;
    std::uint64_t xxh3 = 0;
  };
  using Sums = std::map<std::string, Sum>;
  /// All that was written so far to a file that is no table or blob file, since the start; nothing for older files.
  std::optional<Sum> written(const std::string& name) const;
  /// Copies all files to `member` while writes go on, and to it too; synced. Tables and blob files that it has in the
  /// same length with the same end are taken for the same; others are copied from a member whose copy has its sum. No
  /// file may be removed meanwhile (RocksStore::hold_deletions). The tables and blob files that were copied, or that
  /// some member has lost.
  /// Errc::drive_out: a member that was copied from failed and has left; the join may be tried again.
  /// Errc::durability_unavailable: the last one did.
  Result<std::vector<std::string>> join(const Member& member, const Sums& sums);
  std::vector<Member> members() const;

  /// All files are others now, the same on each member. While nothing is open.
  void replaced();

  /// Takes a member out that can't be relied on.
  Result<> lose(DriveIndex drive, const Error& why);
  /// Writes the file anew on one member from another's copy.
  Result<> rewrite(const std::string& name, DriveIndex from, DriveIndex to);
  /// Calls that wait for space fail from now on.
  void stop_waiting() { waiting_stopped_.store(true, std::memory_order_release); }

 private:
  friend class MirrorWriter;
  friend class MirrorReader;
  friend struct MirrorSource;

  Result<> lost(const Member& member, const Error& why);
  /// Members, and the one that is joining.
  std::vector<Member> writable_members() const;
  /// Calls `work` on each member, and drops those on which it fails while it succeeds on another.
  template <class Work>
  Result<> on_all(Work work);
  template <class Work>
  auto on_first(Work work) -> decltype(work(std::declval<StateDirectory&>()));
  bool is_writable(const Member& member) const;
  /// Whether to try again: not at a stop, and not on a drive that has left.
  bool wait_for_space(const Member& member, const Error& why);
  void wrote(const std::string& name, const Sum& sum);
  Result<> copy_file(const Member& from, StateDirectory& to, const std::string& name);
  /// A member can't be read while another is filled from it: it leaves, unless it is the last. What the join answers.
  Error source_failed(const Member& source, const Error& why);
  Result<> attach_writers(const Member& member);
  Result<std::unique_ptr<StateFile>> copy_written(const MirrorWriter& writer, StateDirectory& to);
  Result<> copy_tables(const Member& member, const Sums& sums, std::vector<std::string>& copied);
  Result<bool> copy_table(const Member& member, const std::string& name, const Sum* sum);
  Result<> copy_small_files(const Member& member);
  Result<std::vector<std::string>> settled_files();
  Result<> remove_strangers(const Member& member, const Sums& sums);
  void end_join(bool joined);

  const Events events_;
  /// Shared by calls that change names, held alone where a join must see them at rest.
  std::shared_mutex names_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  std::vector<Member> members_;
  std::unique_ptr<Member> joining_;
  Result<> joining_result_;
  std::set<MirrorWriter*> writers_;
  std::set<std::string> doomed_;
  std::map<std::string, Sum> written_;              ///< Of files that RocksDB keeps no checksum of, since the start.
  std::map<std::string, std::uint64_t> rewritten_;  ///< How often each file was: open readers take the new copy.
  std::atomic<std::uint64_t> changes_{0};           ///< Of members_ and rewritten_: readers look again.
  std::atomic<bool> waiting_stopped_{false};
};

/// A member that another is filled from: where it can't be read, it is the one to blame.
struct MirrorSource {
  StateMirror& mirror;
  const StateMirror::Member member;
  Result<std::unique_ptr<StateFile>> open(const std::string& name) const;
  Result<std::size_t> read(const StateFile& file, std::uint64_t offset_bytes, MutableBytes bytes) const;
};

/// A file that grows, on all members.
///
/// Threads: one.
class MirrorWriter {
 public:
  ~MirrorWriter();
  Result<> append(ByteView bytes);
  Result<> sync();
  Result<> truncate(std::uint64_t bytes);
  std::uint64_t size() const { return size_; }

 private:
  friend class StateMirror;
  struct Part {
    StateMirror::Member member;
    std::unique_ptr<StateFile> file;
  };
  MirrorWriter(StateMirror& mirror, std::string name) : mirror_(mirror), name_(std::move(name)) {}
  template <class Work, class Done>
  Result<> on_parts(Work work, Done done);
  void forget_lost_members();

  StateMirror& mirror_;
  std::string name_;
  std::mutex mutex_;  ///< Between the owner and a join.
  std::vector<Part> parts_;
  std::uint64_t changes_ = 0;  ///< Of the mirror, as far as `parts_` follows them.
  bool registered_ = false;
  std::uint64_t size_ = 0;
  std::optional<Error> full_;      ///< A drive had no space when a stop came: the file is given up.
  std::optional<Xxh3Stream> sum_;  ///< Of files that RocksDB keeps no checksum of.
};

/// A file that is read from whichever member can.
///
/// Threads: any.
class MirrorReader {
 public:
  /// How much was there.
  Result<std::size_t> read(std::uint64_t offset_bytes, MutableBytes bytes);

 private:
  friend class StateMirror;
  MirrorReader(StateMirror& mirror, std::string name) : mirror_(mirror), name_(std::move(name)) {}
  struct Source {
    StateMirror::Member member;
    std::shared_ptr<StateFile> file;
    std::uint64_t changes = 0;
    std::uint64_t rewritten = 0;
  };
  Result<std::shared_ptr<const Source>> source();

  StateMirror& mirror_;
  std::string name_;
  std::mutex mutex_;
  std::shared_ptr<const Source> source_;
};

}  // namespace firn::metadata
