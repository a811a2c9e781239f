#include "rows/seal.h"

#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "rows/bytes.h"

namespace firn::metadata {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kSealBytes = 1 + sizeof(std::uint64_t);

}  // namespace

std::uint64_t row_seed(Family family, std::string_view key) {
  return xxh3(as_bytes(key), static_cast<std::uint64_t>(family));
}

std::string seal(Family family, std::string_view key, std::string_view payload) {
  std::string value;
  value.reserve(payload.size() + kSealBytes);
  value.push_back(kVersion);
  value += payload;
  append_little(value, xxh3(as_bytes(value), row_seed(family, key)));
  return value;
}

Result<std::string_view> unseal(Family family, std::string_view key, std::string_view value) {
  if (value.size() < kSealBytes) return corrupt_row(family, key, "too short");
  const std::string_view sealed = value.substr(0, value.size() - sizeof(std::uint64_t));
  ByteReader in(value.substr(sealed.size()));
  if (in.little<std::uint64_t>() != xxh3(as_bytes(sealed), row_seed(family, key))) {
    return corrupt_row(family, key, "checksum");
  }
  if (sealed[0] != kVersion) return error(Errc::unsupported_version, "row of version " + std::to_string(sealed[0]));
  return sealed.substr(1);
}

void put_row(KeyValues& state, Family family, std::string_view key, std::string_view payload) {
  state.put(family, key, seal(family, key, payload));
}

Result<std::optional<std::string>> get_row(const Reader& state, Family family, std::string_view key) {
  std::string value;
  const Result<bool> found = state.get(family, key, value);
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  const Result<std::string_view> payload = unseal(family, key, value);
  if (!payload) return payload.error();
  const std::size_t payload_bytes = payload->size();
  value.erase(0, 1);
  value.resize(payload_bytes);
  return std::optional<std::string>(std::move(value));
}

Error corrupt_row(Family family, std::string_view key, std::string_view why) {
  return error(Errc::corrupt, "metadata row of family " + std::to_string(static_cast<int>(family)) + ", key " +
                                  to_hex(key) + ": " + std::string(why));
}

}  // namespace firn::metadata
