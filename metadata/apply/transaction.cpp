#include "apply/transaction.h"

namespace firn::metadata {
namespace {

/// Walks base and changes side by side; a change hides the base row of its key.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> base, const Transaction::Changes& changes, std::string_view from,
               std::string_view to)
      : base_(std::move(base)), changes_(changes), to_(to), change_(changes.lower_bound(from)) {
    settle();
  }

  bool valid() const override { return at_change_ || base_->valid(); }
  std::string_view key() const override { return at_change_ ? std::string_view(change_->first) : base_->key(); }
  std::string_view value() const override { return at_change_ ? std::string_view(*change_->second) : base_->value(); }
  void next() override {
    if (at_change_) {
      // The base may have a row of the same key, hidden by the change.
      if (base_->valid() && base_->key() == change_->first) base_->next();
      ++change_;
    } else {
      // Changes made while walking may have come in behind the iterator.
      const std::string key(base_->key());
      base_->next();
      change_ = changes_.upper_bound(key);
    }
    settle();
  }
  void seek(std::string_view key) override {
    base_->seek(key);
    change_ = changes_.lower_bound(key);
    settle();
  }
  Result<> status() const override { return base_->status(); }

 private:
  bool change_in_bounds() const { return change_ != changes_.end() && (to_.empty() || change_->first < to_); }

  /// Steps over removals, and decides whose turn it is.
  void settle() {
    while (true) {
      at_change_ = change_in_bounds() && (!base_->valid() || change_->first <= base_->key());
      if (!at_change_ || change_->second) return;
      if (base_->valid() && base_->key() == change_->first) base_->next();
      ++change_;
    }
  }

  std::unique_ptr<Cursor> base_;
  const Transaction::Changes& changes_;
  std::string to_;
  Transaction::Changes::const_iterator change_;
  bool at_change_ = false;
};

}  // namespace

Result<bool> Transaction::get(Family family, std::string_view key, std::string& value) const {
  const Changes& changes = changes_[static_cast<std::size_t>(family)];
  const auto change = changes.find(key);
  if (change == changes.end()) return base_.get(family, key, value);
  if (!change->second) return false;
  value = *change->second;
  return true;
}

std::unique_ptr<Cursor> Transaction::scan(Family family, std::string_view from, std::string_view to) const {
  return std::make_unique<MergedCursor>(base_.scan(family, from, to), changes_[static_cast<std::size_t>(family)], from,
                                        to);
}

void Transaction::put(Family family, std::string_view key, std::string value) {
  changes_[static_cast<std::size_t>(family)].insert_or_assign(std::string(key), std::move(value));
}

void Transaction::erase(Family family, std::string_view key) {
  changes_[static_cast<std::size_t>(family)].insert_or_assign(std::string(key), std::nullopt);
}

void Transaction::clear() {
  for (Changes& changes : changes_) changes.clear();
}

}  // namespace firn::metadata
