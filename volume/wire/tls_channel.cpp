#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "firn/base/file_versions.h"
#include "firn/base/log.h"
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

/// Between looks at the files, which cost three stat calls.
constexpr std::chrono::seconds kLookInterval{1};

Result<std::unique_ptr<ssl::context>> read_files(const PeerTls& files) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls);
  error_code failure;
  const auto step = [&failure](const std::string& path) {
    return error(Errc::io_error, "TLS between nodes: " + path + ": " + failure.message());
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, failure);
  context->use_certificate_chain_file(files.certificate_path, failure);
  if (failure) return step(files.certificate_path);
  context->use_private_key_file(files.key_path, ssl::context::pem, failure);
  if (failure) return step(files.key_path);
  context->load_verify_file(files.authority_path, failure);
  if (failure) return step(files.authority_path);
  return context;
}

/// Follows its files as the S3 gateway follows its certificate's.
class FollowedFiles final : public TlsFiles {
 public:
  explicit FollowedFiles(const PeerTls& files) : files_(files) {}

  Result<> load() {
    version_ = on_disk();
    auto context = read_files(files_);
    if (!context) return std::move(context).error();
    context_ = std::move(*context);
    return {};
  }

  std::unique_ptr<Channel> channel(Channel::Socket socket, Role role) override {
    const std::lock_guard lock(mutex_);
    follow();
    // What OpenSSL makes of a context shares in its ownership: a later one does not end older channels.
    return std::make_unique<TlsChannel>(std::move(socket), *context_, role);
  }

 private:
  std::vector<FileVersion> on_disk() const {
    return file_versions({files_.certificate_path, files_.key_path, files_.authority_path});
  }

  void follow() {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < kLookInterval) return;
    looked_ = now;
    const auto version = on_disk();
    if (version == version_ || version == refused_) return;
    auto context = read_files(files_);
    if (!context) {  // Certificate and key change one after the other; the next look finds both.
      refused_ = version;
      log::warn("keeping the old certificate between nodes: {}", context.error().detail);
      return;
    }
    version_ = version;
    context_ = std::move(*context);
    log::info("shards go over the new TLS certificate of {}", files_.certificate_path);
  }

  const PeerTls files_;
  std::mutex mutex_;  // Held for a channel's making, or once per change while the files are read.
  std::unique_ptr<ssl::context> context_;
  std::vector<FileVersion> version_, refused_;
  std::chrono::steady_clock::time_point looked_;
};

}  // namespace

Result<std::shared_ptr<TlsFiles>> TlsFiles::load(const PeerTls& files) {
  // Shared by every connection and its owner, which end in no order.
  auto loaded = std::make_shared<FollowedFiles>(files);
  if (auto done = loaded->load(); !done) return std::move(done).error();
  return std::shared_ptr<TlsFiles>(std::move(loaded));
}

}  // namespace firn::volume::wire
