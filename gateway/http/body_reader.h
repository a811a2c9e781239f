#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "auth/authenticator.h"
#include "auth/aws_chunked.h"
#include "firn/base/digest.h"
#include "http/body_framing.h"
#include "http/connection.h"
#include "http/message_head.h"
#include "s3/request.h"

namespace firn::gateway {

/// The body of one request: takes the transfer coding and aws-chunked off, checks hash and signatures, and moves
/// payload from the socket straight into the handler's memory. Only what was read ahead of it is copied once.
class BodyReader final : public RequestBody {
 public:
  /// The body as HTTP frames it.
  BodyReader(Connection& connection, const MessageHead& head);
  /// What the signature says of the payload; before the first read. Fails when the headers contradict it.
  Result<> begin_payload(const Authenticated& authenticated, const Fields& headers);

  std::optional<std::uint64_t> length_bytes() const override { return length_bytes_; }
  Task<std::size_t> read(MutableBytes into) override;
  const std::string* trailer(std::string_view name) const override;
  const std::vector<std::string>& announced_trailers() const override { return announced_trailers_; }
  std::string_view signed_sha256() const override { return signed_sha256_; }

  /// Nothing of this body is left on the wire.
  bool exhausted() const { return framing_.done(); }
  /// Whether reading on to the next request is possible and cheap: the client is not waiting for a 100 Continue that
  /// will never come, and little is left as far as is known.
  bool worth_draining() const;
  /// Throws the rest away. False if it was too much or the connection ended; then only closing remains.
  boost::asio::awaitable<bool> drain(std::uint64_t bytes_max);
  /// Bytes taken from the wire so far.
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  boost::asio::awaitable<bool> send_continue();
  Result<std::size_t> take_buffered(MutableBytes into);
  Result<std::size_t> take_framing(ByteView bytes);
  Result<> show_payload(ByteView bytes);
  std::uint64_t payload_left() const;
  Result<> finish();
  Task<std::size_t> fill(MutableBytes into);
  Error fail(Error failure);

  Connection& connection_;
  BodyFraming framing_;
  std::optional<AwsChunkedDecoder> aws_chunked_;
  std::optional<std::uint64_t> length_bytes_;
  std::vector<std::string> announced_trailers_;
  std::string signed_sha256_;
  std::optional<Hasher> hash_;
  std::optional<Error> failure_;  // Stays: a body that was wrong once is never right later.
  std::uint64_t received_bytes_ = 0;
  bool continue_wanted_ = false;
  bool finished_ = false;
};

}  // namespace firn::gateway
