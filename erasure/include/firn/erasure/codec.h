#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::erasure {

/// k data and m parity shards: any k of the k+m give the data back.
struct Shape {
  std::uint8_t data = 4;
  std::uint8_t parity = 2;
  std::uint8_t total() const { return static_cast<std::uint8_t>(data + parity); }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// Bounds of what we place: more shards than this buys nothing and breaks the record's one-byte shard number early.
inline constexpr std::uint8_t kDataShardsMax = 16;
inline constexpr std::uint8_t kParityShardsMax = 4;

bool valid(Shape shape);  ///< 1..kDataShardsMax data, 0..kParityShardsMax parity; k = 1 is m+1 copies.

/// Which shards are at hand (or wanted), bit i = shard i.
using ShardMask = std::uint32_t;

/// Reed-Solomon over GF(2^8), polynomial 0x11D, by ISA-L. Immutable: share one per shape between threads.
///
/// Format: parity row p gives data shard d the coefficient 1 / ((k + p) xor d) (a Cauchy matrix; all ones for k = 1).
/// Stored parities depend on it: it never changes.
/// Memory: none per call but decode's small tables, on the stack.
class Codec {
 public:
  explicit Codec(Shape shape);
  ~Codec();
  Codec(Codec&&) noexcept;
  Shape shape() const;

  /// Adds data shard `index` to the parity, all of one length; a shard of zeros need not be fed.
  void accumulate(std::uint8_t index, ByteView data, std::span<const MutableBytes> parity) const;

  /// Up to so many neighbours go to the parity in one pass over it, which costs more to read and write than the data.
  static constexpr std::size_t kGroupMax = 4;
  /// Sets the parity to what data shards 0, 1 ... make of it, all of one length,
  void begin_group(std::span<const ByteView> data, std::span<const MutableBytes> parity) const;
  /// or adds data shards `first`, `first` + 1 ...
  void accumulate_group(std::uint8_t first, std::span<const ByteView> data, std::span<const MutableBytes> parity) const;

  /// Computes the shards of `wanted` from exactly those of `present` (at least k; the first k are used). `shards[i]`
  /// views shard i's bytes, or the memory to fill; all used ones have one length, which may be any part of the chunk:
  /// byte j of a shard depends on byte j of the others alone. No shard is both present and wanted. Errc::corrupt when
  /// fewer than k are present; nothing is written then.
  Result<> rebuild(ShardMask present, ShardMask wanted, std::span<const MutableBytes> shards) const;

 private:
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace firn::erasure
