#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "http/transport.h"

namespace firn::gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// The most the kernel hands to a network device at once: a run as long as this gains nothing from waiting for the
/// next.
constexpr std::size_t kFullPacketBytes = 64 * 1024;

IoResult to_result(const error_code& failure, std::size_t bytes) {
  if (!failure) return {IoResult::Status::moved, bytes};
  if (failure == asio::error::would_block || failure == asio::error::try_again) {
    return {IoResult::Status::would_block, 0};
  }
  return {IoResult::Status::ended, 0};
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {
    error_code ignored;  // A socket that can't be set up fails at its first read.
    socket_.non_blocking(true, ignored);
  }

  asio::awaitable<bool> handshake() override { co_return true; }

  IoResult try_read(const ReadInto& into) override {
    error_code failure;
    // One run is the common case, and the kernel takes it cheaper than a list of runs.
    const std::size_t bytes =
        into[1].size() == 0 ? socket_.read_some(into[0], failure) : socket_.read_some(into, failure);
    return to_result(failure, bytes);
  }

  IoResult try_write(const WriteFrom& from, bool more) override {
    error_code failure;
    const int flags = more && from[0].size() + from[1].size() < kFullPacketBytes ? MSG_MORE : 0;
    const std::size_t bytes =
        from[1].size() == 0 ? socket_.send(from[0], flags, failure) : socket_.send(from, flags, failure);
    return to_result(failure, bytes);
  }

  asio::awaitable<IoResult> read(ReadInto into) override {
    if (into[1].size() == 0) {
      const auto [failure, bytes] = co_await socket_.async_read_some(into[0], asio::as_tuple(asio::use_awaitable));
      co_return to_result(failure, bytes);
    }
    const auto [failure, bytes] = co_await socket_.async_read_some(into, asio::as_tuple(asio::use_awaitable));
    co_return to_result(failure, bytes);
  }

  asio::awaitable<bool> wait_to_write() override {
    const auto [failure] = co_await socket_.async_wait(Socket::wait_write, asio::as_tuple(asio::use_awaitable));
    co_return !failure;
  }

  void end_sending() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void cut() override {
    error_code ignored;
    socket_.close(ignored);
  }

  std::string peer() const override {
    error_code failure;
    const auto endpoint = socket_.remote_endpoint(failure);
    if (failure) return {};
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(Transport::Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace firn::gateway
