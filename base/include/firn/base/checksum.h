#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "firn/base/buffer.h"

namespace firn {

/// XXH3-64 of `bytes`: guards everything we store or send between nodes. Compiled inline for the widest vector unit the
/// machine has (chosen once at start), five to ten times Debian's library.
std::uint64_t xxh3(ByteView bytes, std::uint64_t seed = 0);

/// Running XXH3-64 over bytes that arrive in pieces.
class Xxh3Stream {
 public:
  Xxh3Stream();
  ~Xxh3Stream();
  Xxh3Stream(Xxh3Stream&&) noexcept;
  Xxh3Stream& operator=(Xxh3Stream&&) noexcept;
  void update(ByteView bytes);
  std::uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The three CRCs S3 knows, as running values: start with 0, feed the last result back in. Vectorised (PCLMULQDQ,
/// SSE4.2) where the machine allows, with a table fallback that gives the same answer.
std::uint32_t crc32(std::uint32_t crc, ByteView bytes);      ///< IEEE 802.3, reflected.
std::uint32_t crc32c(std::uint32_t crc, ByteView bytes);     ///< Castagnoli, reflected.
std::uint64_t crc64nvme(std::uint64_t crc, ByteView bytes);  ///< NVME, polynomial 0xAD93D23594C93659, reflected.

/// The CRC of A followed by B from the CRCs of both and B's length: full-object checksums of multipart uploads.
std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes);
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes);
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t b_bytes);

}  // namespace firn
