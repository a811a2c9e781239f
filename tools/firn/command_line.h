#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "access.h"
#include "firn/base/result.h"

namespace firn::cli {

/// What `firn` was asked to do.
struct Invocation {
  enum class Command : std::uint8_t {
    status,
    usage,
    scrub,
    verify,
    fsck,
    add_drive,
    replace_drive,
    drain_drive,
    retire_drive,
    drain_node,
    retire_node,
    metadata_backup,
    metadata_restore,
    force_membership,
    become_cluster
  };
  Command command = Command::status;
  AccessFlags access;
  bool json = false;
  std::string bucket;                        ///< usage: empty for all.
  std::uint64_t scrub_bytes_per_second = 0;  ///< 0: as fast as it goes.
  std::uint16_t drive = 0;                   ///< replace-drive, drain-drive, retire-drive: counted from one.
  std::uint32_t node = 0;    ///< drain-node, retire-node; metadata restore of a cluster: 0: as the drives say.
  bool undo = false;         ///< drain-drive, drain-node: it is to take data again; become-cluster: the way back.
  std::string path;          ///< add-drive, replace-drive: its new directory; empty: the one it has.
  bool accept_loss = false;  ///< metadata force-membership: without it, only what would be done.
  std::string file;          ///< metadata backup and restore.
};

/// Text for standard output instead: --help and --version.
struct Printed {
  std::string text;
};

/// Errc::invalid_argument with a message for people.
Result<std::variant<Invocation, Printed>> read_command_line(int argc, const char* const* argv);

}  // namespace firn::cli
