#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "rows/key_values.h"

namespace firn::metadata {

/// What one command changes, laid over the state it reads. Nothing reaches the state until somebody writes `changes`.
///
/// Threads: one. `base` must outlive it and stay as it is meanwhile.
class Transaction final : public KeyValues {
 public:
  /// Rows by key; nothing marks a removal.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

  explicit Transaction(const Reader& base) : base_(base) {}

  Result<bool> get(Family family, std::string_view key, std::string& value) const override;
  /// Rows put or erased while a cursor walks are seen if they lie ahead of it.
  std::unique_ptr<Cursor> scan(Family family, std::string_view from, std::string_view to) const override;
  void put(Family family, std::string_view key, std::string value) override;
  void erase(Family family, std::string_view key) override;

  const std::array<Changes, kFamilies>& changes() const { return changes_; }
  std::array<Changes, kFamilies>& changes() { return changes_; }
  void clear();

 private:
  const Reader& base_;
  std::array<Changes, kFamilies> changes_;
};

}  // namespace firn::metadata
