#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace firn::cli {

/// Text in columns, two spaces apart. A column is as wide as its widest cell; those named in `right` end flush.
class Table {
 public:
  explicit Table(std::vector<std::string> head, std::vector<std::size_t> right = {});
  void add(std::vector<std::string> row);  ///< As many cells as the head has.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

/// "1.5 GiB": three digits or more where there are any.
std::string spoken_bytes(std::uint64_t bytes);
/// "1 object", "2 objects".
std::string spoken_count(std::uint64_t count, const std::string& noun);

}  // namespace firn::cli
