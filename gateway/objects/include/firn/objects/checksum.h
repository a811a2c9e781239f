#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/base/buffer.h"
#include "firn/base/digest.h"
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
  explicit BodyHasher(ChecksumAlgorithm algorithm) : md5_(HashAlgorithm::md5), checksum_(algorithm) {}
  void update(ByteView bytes);
  std::string finish_md5() { return md5_.finish(); }
  std::string finish_checksum() { return checksum_.finish(); }

 private:
  /// Half of the smallest first-level data cache in use, so that the second hash finds the first one's bytes.
  static constexpr std::size_t kBlockBytes = 16 * 1024;
  Hasher md5_;
  RunningChecksum checksum_;
};

}  // namespace firn::objects
