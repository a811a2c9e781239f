#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "firn/metadata/client.h"
#include "firn/volume/client.h"

namespace firn::server {

/// What a comparison of metadata with drives found.
struct FsckReport {
  std::uint64_t extents = 0;  ///< That somebody holds.
  std::uint64_t records = 0;  ///< Seen on drives.
  /// Extents with a record that should be on a drive and is not; recorded for repair.
  std::uint64_t missing_extents = 0;
  std::uint64_t missing_records = 0;
  std::uint64_t unreadable = 0;  ///< Of the extents held: fewer than k shards of some stripe are on drives.
  /// Extents on drives that nobody holds any more and nobody may still hold, once for each drive; the orphan sweep
  /// removes them. Records of them, and their bytes.
  std::uint64_t orphaned_extents = 0;
  std::uint64_t orphaned_records = 0;
  std::uint64_t orphaned_bytes = 0;
  /// Drives that could not be walked to their end, and those that are out: nothing is said of their records.
  std::vector<DriveIndex> unchecked_drives;
  std::vector<std::string> details;  ///< The first of them.
};

/// Compares what metadata refers to with what the drives' indexes list, both ways, extent by extent in the order of
/// their ids, which both have. Reads no shard: whether its bytes are good, scrub and verify tell.
///
/// Clients may go on writing and deleting. Whatever looks wrong is asked about again before it is said: an extent under
/// an open lease, in the freed queue, or freed since it was listed is none of these.
///
/// Threads: one coroutine, on an io thread. Memory: a page of extents for each stripe set and a page of records for
/// each drive, whatever there is.
class Fsck {
 public:
  struct Parts {
    metadata::Client& metadata;
    volume::Client& volumes;
    /// Null when it is absent.
    std::function<std::shared_ptr<volume::DriveService>(DriveIndex)> drive;
    std::function<bool()> closing;
  };
  struct Options {
    std::size_t extents_per_page = 100;
    std::size_t records_per_page = 1'000;
  };
  Fsck(Parts parts, Options options) : parts_(std::move(parts)), options_(options) {}

  /// Errc::cancelled when `closing` begins to hold.
  Task<FsckReport> run();

 private:
  using Extents = std::map<ExtentId, metadata::DegradedExtent>;
  struct SetPages;
  class DriveWalk;
  /// Extents held, all those up to `end`.
  struct Window {
    Extents extents;
    ExtentId end;
    std::map<ExtentId, erasure::ShardMask> missing;  ///< Found so, on any drive.
  };
  Task<> compare(DriveWalk& walk, Window& window);
  Task<> pass_over(DriveWalk& walk, const Window& window, const volume::RecordKey& key);
  Task<> record_missing(const DriveWalk& walk, Window& window, const metadata::DegradedExtent& extent,
                        const volume::RecordKey& key);
  Task<bool> is_there(const DriveWalk& walk, SetId set, volume::RecordKey key);
  Task<> extra_records(DriveWalk& walk, const Window& window);
  Task<> settle(const Window& window);
  void tell(std::string line);

  const Parts parts_;
  const Options options_;
  FsckReport report_;
};

}  // namespace firn::server
