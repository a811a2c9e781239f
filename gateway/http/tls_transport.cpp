#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "firn/base/assert.h"
#include "http/tls_context.h"

namespace firn::gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// What fits one TLS record: a head and a small body share one, and one system call.
constexpr std::size_t kRecordBytes = 16 * 1024;

int would_block(BIO* bio, int retry_flag) {
  if (errno == EAGAIN || errno == EINTR) BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
  return -1;
}

// OpenSSL's own socket BIO raises SIGPIPE, and keeps the number of a descriptor that may be somebody else's by then.
// This one asks the socket object each time: -1 once closed.
Transport::Socket& socket_of(BIO* bio) { return *static_cast<Transport::Socket*>(BIO_get_data(bio)); }

int bio_write(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(socket_of(bio).native_handle(), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  return sent < 0 ? would_block(bio, BIO_FLAGS_WRITE) : static_cast<int>(sent);
}

int bio_read(BIO* bio, char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = ::recv(socket_of(bio).native_handle(), bytes, static_cast<std::size_t>(count), 0);
  return received < 0 ? would_block(bio, BIO_FLAGS_READ) : static_cast<int>(received);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "firn socket");
    FIRN_ASSERT(made != nullptr);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, SSL_CTX* context) : socket_(std::move(socket)), ssl_(SSL_new(context)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    BIO* bio = BIO_new(socket_method());
    if (ssl_ == nullptr || bio == nullptr) {
      BIO_free(bio);
      return;  // Out of memory: `handshake` says that it failed.
    }
    BIO_set_data(bio, &socket_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
    ready_ = true;
  }
  ~TlsTransport() override { SSL_free(ssl_); }

  asio::awaitable<bool> handshake() override {
    while (ready_) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_);
      if (done == 1) co_return true;
      const IoResult result = outcome(done);
      if (!result.would_block() || !co_await wait()) co_return false;
    }
    co_return false;
  }

  IoResult try_read(const ReadInto& into) override {
    IoResult total{IoResult::Status::would_block, 0};
    for (const auto& room : into) {
      std::size_t filled = 0;
      while (filled < room.size()) {
        std::size_t bytes = 0;
        ERR_clear_error();
        const int done = SSL_read_ex(ssl_, static_cast<char*>(room.data()) + filled, room.size() - filled, &bytes);
        if (done != 1) {
          const IoResult result = outcome(done);
          return total.bytes > 0 ? total : result;
        }
        filled += bytes;
        total.bytes += bytes;
        total.status = IoResult::Status::moved;
      }
    }
    return total;
  }

  IoResult try_write(const WriteFrom& from, bool /*more*/) override {
    ByteView bytes(static_cast<const std::byte*>(from[0].data()), from[0].size());
    if (bytes.size() < kRecordBytes && from[1].size() > 0) bytes = joined(from);
    if (bytes.empty()) return {IoResult::Status::moved, 0};
    std::size_t written = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
    return done == 1 ? IoResult{IoResult::Status::moved, written} : outcome(done);
  }

  asio::awaitable<IoResult> read(ReadInto into) override {
    for (;;) {
      const IoResult result = try_read(into);
      if (!result.would_block()) co_return result;
      if (!co_await wait()) co_return IoResult{};
    }
  }

  asio::awaitable<bool> wait_to_write() override { return wait(); }

  void end_sending() override {
    if (ready_ && !failed_) SSL_shutdown(ssl_);
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void cut() override {
    if (ready_ && !failed_ && socket_.is_open()) SSL_shutdown(ssl_);
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
  /// The front of both runs, copied into one record. A write that would block is repeated with the same runs, so with
  /// the same bytes, as OpenSSL demands.
  static ByteView joined(const WriteFrom& from) {
    thread_local std::array<std::byte, kRecordBytes> record;
    const std::size_t of_second = std::min(record.size() - from[0].size(), from[1].size());
    std::memcpy(record.data(), from[0].data(), from[0].size());
    std::memcpy(record.data() + from[0].size(), from[1].data(), of_second);
    return {record.data(), from[0].size() + of_second};
  }

  IoResult outcome(int result) {
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        wants_ = Socket::wait_read;
        return {IoResult::Status::would_block, 0};
      case SSL_ERROR_WANT_WRITE:
        wants_ = Socket::wait_write;
        return {IoResult::Status::would_block, 0};
      case SSL_ERROR_ZERO_RETURN:
        return {};
      default:
        failed_ = true;
        return {};
    }
  }

  asio::awaitable<bool> wait() {
    const auto [failure] = co_await socket_.async_wait(wants_, asio::as_tuple(asio::use_awaitable));
    co_return !failure;
  }

  Socket socket_;
  SSL* ssl_;
  Socket::wait_type wants_ = Socket::wait_read;
  bool ready_ = false;
  bool failed_ = false;  // After a fatal error OpenSSL must not be asked to say goodbye.
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(Transport::Socket socket, SSL_CTX* context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace firn::gateway
