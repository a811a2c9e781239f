#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "firn/base/buffer.h"
#include "firn/base/digest.h"
#include "firn/base/md5.h"
#include "firn/metadata/model.h"

namespace firn::objects {

using metadata::ChecksumAlgorithm;

/// One of S3's checksums over bytes that arrive in pieces. Not thread-safe.
class RunningChecksum {
 public:
  explicit RunningChecksum(ChecksumAlgorithm algorithm);
  void update(ByteView bytes);
  /// Raw bytes, big endian for CRCs; empty for none. Once.
  std::string finish();

 private:
  ChecksumAlgorithm algorithm_;
  std::uint64_t crc_ = 0;
  std::optional<Hasher> hasher_;
};

/// MD5 (the entity tag) and one checksum over the same bytes in one pass: each block is hashed twice while it is in the
/// first-level cache. Not thread-safe.
class BodyHasher {
 public:
  explicit BodyHasher(ChecksumAlgorithm algorithm) : checksum_(algorithm) {}
  void update(ByteView bytes);
  std::string finish_md5() { return md5_.finish(); }
  std::string finish_checksum() { return checksum_.finish(); }

 private:
  friend void update_side_by_side(std::span<struct BodyUpdate> updates);
  /// Half of the smallest first-level data cache in use, so that the second hash finds the first one's bytes.
  static constexpr std::size_t kBlockBytes = 16 * 1024;
  Md5 md5_;
  RunningChecksum checksum_;
};

/// Where a body's bytes go from its hasher.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  /// Memory that `take` will use for the next block, as long as that.
  virtual Alongside alongside() = 0;
  /// The next block, hashed and still in the core's first cache.
  virtual void take(ByteView block) = 0;
};

struct BodyUpdate {
  BodyHasher* hasher = nullptr;
  ByteView bytes;
  BlockSink* sink = nullptr;
};

/// Gives each hasher its bytes; the MD5s are computed side by side, which costs a fraction of one after the other. Each
/// hasher at most once.
void update_side_by_side(std::span<BodyUpdate> updates);

}  // namespace firn::objects
