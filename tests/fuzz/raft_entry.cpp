// What a cluster's log and its messages carry: any bytes are refused or decoded, and what was decoded is written as it
// was.
#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/assert.h"
#include "firn/base/buffer.h"
#include "firn/base/checksum.h"
#include "log/raft_entry.h"
#include "rows/bytes.h"
#include "server/cluster_message.h"

using namespace firn;
using namespace firn::metadata;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClusterMessage message = parse_message(bytes);
  FIRN_ASSERT(message.kind == 0 || make_message(message.kind, message.payload) == bytes);
  (void)decode_raft_entry(bytes);
  // With a checksum that fits: what lies behind it is reached too.
  std::string sealed;
  append_little(sealed, xxh3(as_bytes(bytes)));
  sealed += bytes;
  const Result<LogEntry> entry = decode_raft_entry(sealed);
  FIRN_ASSERT(!entry || entry->kind == LogEntry::Kind::nothing || encode_raft_entry(*entry) == sealed);
  return 0;
}
