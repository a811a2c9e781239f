#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "wire/channel.h"

namespace firn::volume::wire {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(Socket socket) : socket_(std::move(socket)) {}

  Task<> open() override { co_return Unit{}; }

  Task<std::size_t> read_some(ReadInto into) override {
    const auto [failure, bytes] = co_await socket_.async_read_some(into, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return error(Errc::io_error, failure.message());
    co_return bytes;
  }

  Task<> write(std::span<const asio::const_buffer> buffers) override {
    const auto [failure, bytes] = co_await asio::async_write(socket_, buffers, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return error(Errc::io_error, failure.message());
    co_return Unit{};
  }

  void end_receiving() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_receive, ignored);
  }

  void cut() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<Channel> make_plain_channel(Channel::Socket socket) {
  return std::make_unique<PlainChannel>(std::move(socket));
}

std::unique_ptr<Channel> make_channel(Channel::Socket socket, TlsFiles* tls, TlsFiles::Role role) {
  return tls == nullptr ? make_plain_channel(std::move(socket)) : tls->channel(std::move(socket), role);
}

void tune(Channel::Socket& socket) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  // What is sent and not acknowledged for so long will not be: the peer's machine is gone.
  constexpr unsigned kUnacknowledgedMs = 10'000;
  (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs,
                     sizeof kUnacknowledgedMs);
}

}  // namespace firn::volume::wire
