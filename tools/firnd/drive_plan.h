#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/erasure/codec.h"
#include "firn/volume/drive.h"

namespace firn::server {

/// Whose log the metadata on a drive has. Only some drives of a machine have a log.
enum class MetadataKind : std::uint8_t { unknown, single, cluster };

/// A directory as it was found.
struct FoundDirectory {
  std::filesystem::path path;
  volume::DriveInspection inspection;
  /// Set when it could not be looked at, or its identity is damaged.
  std::optional<Error> failure;
  /// It is an empty mount point whose file system is not there: taking it would fill the system's own.
  bool unmounted = false;
  /// The metadata tier has been on this drive: something may have been acknowledged.
  bool has_metadata = false;
  MetadataKind metadata = MetadataKind::unknown;
};

/// What to do with the directories that were named. Nothing has been changed yet.
struct DrivePlan {
  enum class Action : std::uint8_t {
    open,     ///< A drive of this cluster.
    format,   ///< Empty: becomes the drive of this index.
    without,  ///< Absent or unreadable: start without it.
  };
  struct Place {
    DriveIndex index;
    Action action = Action::open;
    std::filesystem::path path;
    Uuid drive;          ///< For `open`.
    std::string why;     ///< For `without`, in words.
    bool added = false;  ///< Came to its node later, and keeps no metadata: that is on the drives of the node's start.
  };
  bool first_start = false;
  /// The drives hold records of objects and no metadata: to start anew would give the extents' names out once more.
  bool metadata_is_lost = false;
  Uuid cluster;  ///< Of a later start.
  erasure::Shape shape;
  std::uint16_t drives = 0;   ///< Of the cluster.
  std::vector<Place> places;  ///< One for each drive of the cluster, in index order.
};

/// Decides from what was found. Errc::invalid_argument with a message for people when a directory holds something else,
/// belongs to another cluster, stands for a drive twice, or when too few drives are there.
Result<DrivePlan> plan_drives(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked);

}  // namespace firn::server
