#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the HTTP layer, in one place. None is configurable: each is a property of S3 or of a sane client.
namespace firn::gateway::limits {

/// Request line and headers together. AWS takes 8 KiB of headers; a percent-encoded key of 1,024 bytes adds 3 KiB to
/// the line and as much to x-amz-copy-source, ten encoded tags 11.5 KiB, a session token in a presigned query 2 KiB.
inline constexpr std::size_t kHeadBytesMax = 32 * 1024;
/// A signed upload with checksums and metadata has some 30; the bound keeps the checks that compare headers cheap.
inline constexpr std::size_t kHeaderFieldsMax = 256;
/// No S3 operation knows more than 20.
inline constexpr std::size_t kQueryParametersMax = 128;
/// Holds nearly every head in one read, and is all that an idle connection keeps.
inline constexpr std::size_t kInputInitialBytes = 8 * 1024;
/// What a read past the payload it is meant for may bring along: the next chunk's header and little else, since those
/// bytes are moved once more.
inline constexpr std::size_t kReadAheadBytes = 1024;
/// One line of the chunked transfer coding, extensions included.
inline constexpr std::size_t kTransferLineBytesMax = 256;
/// Trailers of the chunked transfer coding; S3 has none, so they are skipped.
inline constexpr std::size_t kTransferTrailerBytesMax = 8 * 1024;

/// From a request's first byte to the end of its head.
inline constexpr std::chrono::seconds kHeadDeadline{30};
inline constexpr std::chrono::seconds kHandshakeDeadline{10};
/// Longer than the 60 s after which the SDKs drop their idle connections, so that it is not us who drop one in use.
inline constexpr std::chrono::seconds kIdleDeadline{90};
/// How long a peer may stay silent inside a body, either direction; bytes moved earn it back at the rate below.
inline constexpr std::chrono::seconds kProgressPatience{30};
inline constexpr std::uint64_t kProgressBytesPerSecondMin = 1024;
/// How often deadlines are looked at: one timer per thread, none per connection.
inline constexpr std::chrono::seconds kSweepInterval{1};

/// A client that takes a large body as fast as it is produced lets the thread's other sessions go on after so much.
inline constexpr std::uint64_t kTurnBytes = 4 * 1024 * 1024;

/// A body nobody read is read to its end when that little is left, which costs less than a new connection.
inline constexpr std::uint64_t kDrainBytesMax = 1024 * 1024;
/// Before a connection is closed on a client that is still sending, so much is thrown away: most clients read the
/// answer only after their last byte. The largest part that SDKs send by default is 64 MiB.
inline constexpr std::uint64_t kLingerBytesMax = 64 * 1024 * 1024;
inline constexpr std::chrono::seconds kLingerDeadline{10};

}  // namespace firn::gateway::limits
