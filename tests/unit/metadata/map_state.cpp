#include "map_state.h"

namespace firn::metadata {
namespace {

class MapCursor final : public Cursor {
 public:
  MapCursor(const MapState::Rows& rows, std::string_view from, std::string_view to)
      : rows_(rows), to_(to), at_(rows.lower_bound(from)) {}
  bool valid() const override { return at_ != rows_.end() && (to_.empty() || at_->first < to_); }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  void next() override { ++at_; }
  void seek(std::string_view key) override { at_ = rows_.lower_bound(key); }
  Result<> status() const override { return {}; }

 private:
  const MapState::Rows& rows_;
  std::string to_;
  MapState::Rows::const_iterator at_;
};

}  // namespace

Result<bool> MapState::get(Family family, std::string_view key, std::string& value) const {
  const auto found = rows(family).find(key);
  if (found == rows(family).end()) return false;
  value = found->second;
  return true;
}

std::unique_ptr<Cursor> MapState::scan(Family family, std::string_view from, std::string_view to) const {
  return std::make_unique<MapCursor>(rows(family), from, to);
}

void MapState::commit(const Transaction& transaction) {
  for (std::size_t i = 0; i < kFamilies; ++i) {
    for (const auto& [key, value] : transaction.changes()[i]) {
      if (value) {
        rows_[i].insert_or_assign(key, *value);
      } else {
        rows_[i].erase(key);
      }
    }
  }
}

}  // namespace firn::metadata
