#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rows/key_values.h"

namespace firn::metadata {

/// What seeds the checksum of the row's value, so that a value under another key is found out.
std::uint64_t row_seed(Family family, std::string_view key);

/// Version, payload and checksum: the value of every row but records.
std::string seal(Family family, std::string_view key, std::string_view payload);
/// Errc::corrupt when the checksum is another; unsupported_version.
Result<std::string_view> unseal(Family family, std::string_view key, std::string_view value);

/// Writes a sealed row.
void put_row(KeyValues& state, Family family, std::string_view key, std::string_view payload);
/// The payload of a sealed row, or nothing when there is no such row.
Result<std::optional<std::string>> get_row(const Reader& state, Family family, std::string_view key);

/// Errc::corrupt, naming the row.
Error corrupt_row(Family family, std::string_view key, std::string_view why);

}  // namespace firn::metadata
