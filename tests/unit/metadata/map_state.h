#pragma once

#include <array>
#include <map>
#include <string>

#include "apply/transaction.h"

namespace firn::metadata {

/// The state as an ordered map: what apply decides needs no RocksDB.
class MapState final : public Reader {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;

  Result<bool> get(Family family, std::string_view key, std::string& value) const override;
  std::unique_ptr<Cursor> scan(Family family, std::string_view from, std::string_view to) const override;
  void commit(const Transaction& transaction);

  Rows& rows(Family family) { return rows_[static_cast<std::size_t>(family)]; }
  const Rows& rows(Family family) const { return rows_[static_cast<std::size_t>(family)]; }
  friend bool operator==(const MapState&, const MapState&) = default;

 private:
  std::array<Rows, kFamilies> rows_;
};

}  // namespace firn::metadata
