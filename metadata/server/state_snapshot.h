#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "firn/base/checksum.h"
#include "firn/metadata/transport.h"
#include "store/rocks_store.h"
#include "store/state_mirror.h"

namespace firn::metadata {

/// The state's files as they are after a flush, for another node to fetch. Nothing is copied: files that are replaced
/// meanwhile stay until the snapshot goes.
///
/// Threads: any. Must go before store and mirror do. What is read once the store was replaced fits its checksums no
/// more.
class StateSnapshot final : public SnapshotSource {
 public:
  static Result<std::shared_ptr<StateSnapshot>> make(RocksStore& store, StateMirror& mirror);
  ~StateSnapshot() override;

  const std::string& name() const { return name_; }
  std::uint64_t index() const { return index_; }  ///< The last entry in it.

  const std::vector<SnapshotFile>& files() const override { return files_; }
  Result<> read(std::size_t file, std::uint64_t offset_bytes, MutableBytes bytes) override;

 private:
  StateSnapshot(RocksStore& store, StateMirror& mirror);
  Result<> list();
  Result<> add(const RocksStore::LiveFile& file);
  Result<std::uint64_t> sum(std::size_t file);

  RocksStore& store_;
  StateMirror& mirror_;
  const std::uint64_t generation_;
  std::string name_;
  std::uint64_t index_ = 0;
  std::vector<SnapshotFile> files_;
  std::vector<std::string> contents_;  ///< Of CURRENT; empty for files that are read.
  std::vector<std::unique_ptr<MirrorReader>> readers_;
};

/// Takes a snapshot's files to the drives that hold the state, beside it.
///
/// Threads: one.
class IncomingState final : public SnapshotSink {
 public:
  struct Place {
    DriveIndex drive;
    std::filesystem::path directory;  ///< The drive's own.
  };
  /// What lies there of an earlier one is removed.
  static Result<std::unique_ptr<IncomingState>> begin(const std::vector<Place>& places);

  Result<> begin_file(const SnapshotFile& file) override;
  Result<> write(ByteView bytes) override;
  /// All files are there, whole and synced. Errc::corrupt.
  Result<> finish();

  /// Puts what was fetched in the place of the state on that drive; done already: nothing to do. The state is closed.
  static Result<> put_in_place(const std::filesystem::path& drive);
  static Result<> discard(const std::filesystem::path& drive);

 private:
  Result<> end_file();

  std::vector<std::unique_ptr<StateDirectory>> directories_;
  SnapshotFile current_;
  std::vector<std::unique_ptr<StateFile>> open_;
  std::unique_ptr<Xxh3Stream> sum_;
  std::uint64_t written_ = 0;
  bool has_current_ = false;
};

}  // namespace firn::metadata
