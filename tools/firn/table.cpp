#include "table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "firn/base/assert.h"

namespace firn::cli {

Table::Table(std::vector<std::string> head, std::vector<std::size_t> right) : right_(head.size(), false) {
  for (const auto column : right) right_.at(column) = true;
  rows_.push_back(std::move(head));
}

void Table::add(std::vector<std::string> row) {
  FIRN_ASSERT(row.size() == right_.size());
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line += right_[i] ? fmt::format("{:>{}}", row[i], widths[i]) : fmt::format("{:<{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string spoken_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  constexpr double kStep = 1024, kThreeDigits = 100;
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= kStep && unit + 1 < kUnits.size()) {
    value /= kStep;
    ++unit;
  }
  return unit == 0 || value >= kThreeDigits ? fmt::format("{:.0f} {}", value, kUnits[unit])
                                            : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string spoken_count(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace firn::cli
