#include "log/raft_entry.h"

#include "firn/base/buffer.h"
#include "firn/base/checksum.h"
#include "rows/bytes.h"

namespace firn::metadata {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::string encode_raft_entry(const LogEntry& entry) {
  std::string body;
  body.push_back(static_cast<char>(kVersion));
  body.push_back(static_cast<char>(entry.kind));
  append_little(body, entry.origin.member);
  append_little(body, entry.origin.start);
  append_little(body, entry.origin.sequence);
  body.append(entry.command);
  std::string bytes;
  bytes.reserve(sizeof(std::uint64_t) + body.size());
  append_little(bytes, xxh3(as_bytes(body)));
  return bytes.append(body);
}

Result<LogEntry> decode_raft_entry(std::string_view bytes) {
  if (bytes.empty()) return LogEntry{.kind = LogEntry::Kind::nothing};
  ByteReader in(bytes);
  const auto digest = in.little<std::uint64_t>();
  if (!in.ok() || digest != xxh3(as_bytes(in.rest()))) return error(Errc::corrupt, "an entry of the log is damaged");
  const auto version = in.little<std::uint8_t>();
  if (in.ok() && version != kVersion) {
    return error(Errc::unsupported_version, "entry of version " + std::to_string(version));
  }
  const auto kind = in.little<std::uint8_t>();
  LogEntry entry{.kind = static_cast<LogEntry::Kind>(kind)};
  entry.origin.member = in.little<std::uint64_t>();
  entry.origin.start = in.little<std::uint64_t>();
  entry.origin.sequence = in.little<std::uint64_t>();
  entry.command = in.rest();
  const bool known = entry.kind >= LogEntry::Kind::command && entry.kind <= LogEntry::Kind::leap;
  if (!in.ok() || !known) return error(Errc::corrupt, "an entry of the log makes no sense");
  return entry;
}

}  // namespace firn::metadata
