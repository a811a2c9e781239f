#pragma once

#include <string>
#include <string_view>

#include "apply/log_entry.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// An entry as the log of a cluster carries it: docs/formats/raft-log.md.
std::string encode_raft_entry(const LogEntry& entry);
/// `bytes` must outlive what is returned. Nothing at all is an entry too. Errc::corrupt, unsupported_version.
Result<LogEntry> decode_raft_entry(std::string_view bytes);

}  // namespace firn::metadata
