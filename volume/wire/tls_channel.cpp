#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "wire/channel.h"

namespace firn::volume::wire {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

class TlsChannel final : public Channel {
 public:
  TlsChannel(Socket socket, ssl::context& context, TlsFiles::Role role)
      : stream_(std::move(socket), context), role_(role) {}

  Task<> open() override {
    const auto type = role_ == TlsFiles::Role::client ? ssl::stream_base::client : ssl::stream_base::server;
    const auto [failure] = co_await stream_.async_handshake(type, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return error(Errc::access_denied, "TLS: " + failure.message());
    co_return Unit{};
  }

  Task<std::size_t> read_some(ReadInto into) override {
    // The engine fills one run at a time.
    asio::mutable_buffer first;
    for (const auto& run : into) {
      if (first.size() == 0) first = run;
    }
    const auto [failure, bytes] = co_await stream_.async_read_some(first, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return error(Errc::io_error, "TLS: " + failure.message());
    co_return bytes;
  }

  Task<> write(std::span<const asio::const_buffer> buffers) override {
    const auto [failure, bytes] = co_await asio::async_write(stream_, buffers, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return error(Errc::io_error, "TLS: " + failure.message());
    co_return Unit{};
  }

  void end_receiving() override {
    error_code ignored;
    stream_.lowest_layer().shutdown(Socket::shutdown_receive, ignored);
  }

  void cut() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  ssl::stream<Socket> stream_;
  const TlsFiles::Role role_;
};

class LoadedFiles final : public TlsFiles {
 public:
  LoadedFiles() : context_(ssl::context::tls) {}

  Result<> load(const PeerTls& files) {
    error_code failure;
    const auto step = [&failure](const std::string& path) {
      return error(Errc::io_error, "TLS between nodes: " + path + ": " + failure.message());
    };
    SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_3_VERSION);
    context_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, failure);
    context_.use_certificate_chain_file(files.certificate_path, failure);
    if (failure) return step(files.certificate_path);
    context_.use_private_key_file(files.key_path, ssl::context::pem, failure);
    if (failure) return step(files.key_path);
    context_.load_verify_file(files.authority_path, failure);
    if (failure) return step(files.authority_path);
    return {};
  }

  std::unique_ptr<Channel> channel(Channel::Socket socket, Role role) override {
    return std::make_unique<TlsChannel>(std::move(socket), context_, role);
  }

 private:
  ssl::context context_;
};

}  // namespace

Result<std::shared_ptr<TlsFiles>> TlsFiles::load(const PeerTls& files) {
  // Shared by every connection and its owner, which end in no order.
  auto loaded = std::make_shared<LoadedFiles>();
  if (auto done = loaded->load(files); !done) return std::move(done).error();
  return std::shared_ptr<TlsFiles>(std::move(loaded));
}

}  // namespace firn::volume::wire
