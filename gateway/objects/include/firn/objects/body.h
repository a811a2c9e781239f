#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/buffer.h"
#include "firn/base/result.h"
#include "firn/metadata/model.h"

namespace firn::objects {

/// Where the bytes of a new object or part come from: an HTTP body, another site, a compaction.
///
/// Threads: one coroutine.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Known before the first byte.
  virtual std::uint64_t length_bytes() const = 0;
  /// Reads straight into `into` (at least one byte large); 0 only after `length_bytes` bytes. At the end everything the
  /// source itself can check has been checked.
  virtual Task<std::size_t> read(MutableBytes into) = 0;
  /// A checksum (raw, of Integrity::stated) that came behind the bytes; empty if none. After the end.
  virtual Result<std::string> trailing_checksum() { return std::string(); }
  /// SHA-256 (raw) of all bytes that the source compares itself; empty if none. It is not computed a second time.
  virtual std::string_view verified_sha256() const { return {}; }
};

/// Yields the bytes of an object or of a range of it, verified, in order.
///
/// Threads: one coroutine, on the io thread that made it. Memory: what volume::ExtentReader reads ahead.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual std::uint64_t length_bytes() const = 0;
  /// Fetches the first bytes, so that a failure is known before an answer begins. Errc::not_found when an extent is
  /// gone: the object was replaced meanwhile, read its record again.
  virtual Task<> prepare() = 0;
  /// The next run, empty at the end; the view lives until the next call.
  virtual Task<ByteView> next() = 0;
};

}  // namespace firn::objects
