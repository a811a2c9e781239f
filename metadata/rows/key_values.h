#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "firn/base/result.h"

namespace firn::metadata {

/// The families of rows. The numbers seed row checksums: append only.
enum class Family : std::uint8_t { current, uploads, inline_bodies, extents, degraded, freed, buckets, config };
inline constexpr std::size_t kFamilies = 8;

/// Walks rows of one family in key order. Ends at the scan's bound, or at a failure that `status` tells.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual void next() = 0;
  /// To the first row at or after `key`; never leaves the scan's bounds upwards.
  virtual void seek(std::string_view key) = 0;
  virtual Result<> status() const = 0;
};

/// The state as apply and queries read it: RocksDB, or an ordered map in tests and simulation.
class Reader {
 public:
  virtual ~Reader() = default;
  /// Whether there is such a row, and its bytes in `value`.
  virtual Result<bool> get(Family family, std::string_view key, std::string& value) const = 0;
  /// Rows with from <= key < to; an empty `to` is no bound.
  virtual std::unique_ptr<Cursor> scan(Family family, std::string_view from, std::string_view to) const = 0;
};

/// A state that can be changed. `put` and `erase` take effect at once for the reads that follow.
class KeyValues : public Reader {
 public:
  virtual void put(Family family, std::string_view key, std::string value) = 0;
  virtual void erase(Family family, std::string_view key) = 0;
};

/// The first key after all that begin with `prefix`; empty when there is none.
std::string end_of_prefix(std::string_view prefix);

}  // namespace firn::metadata
