#pragma once

// Included by rows/rows.h alone.

#include "rows/rows.h"
#include "rows/seal.h"

namespace firn::metadata {

template <class Row>
Result<Row> unseal_row(Family family, std::string_view key, std::string_view value) {
  const Result<std::string_view> payload = unseal(family, key, value);
  if (!payload) return payload.error();
  Row row{};
  if (!decode(*payload, row)) return corrupt_row(family, key, "payload");
  return row;
}

template <class Row>
Result<std::optional<Row>> load(const Reader& state, Family family, std::string_view key) {
  std::string value;
  const Result<bool> found = state.get(family, key, value);
  if (!found) return found.error();
  if (!*found) return std::optional<Row>();
  Result<Row> row = unseal_row<Row>(family, key, value);
  if (!row) return std::move(row).error();
  return std::optional<Row>(std::move(*row));
}

template <class Row>
void store(KeyValues& state, Family family, std::string_view key, const Row& row) {
  put_row(state, family, key, encode(row));
}

}  // namespace firn::metadata
