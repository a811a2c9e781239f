#include "firn/gateway/server.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "auth/authenticator.h"
#include "auth/credentials.h"
#include "firn/base/digest.h"
#include "http/access_log.h"
#include "http/listener.h"
#include "http/request_metrics.h"
#include "http/server_context.h"
#include "http/tls_context.h"
#include "s3/error_reply.h"
#include "s3/operation.h"

namespace firn::gateway {
namespace {

std::string random_host_id() {
  std::array<std::byte, 24> random;
  fill_random(random);
  return to_base64(as_text(random));
}

/// The whole server. Members are in the order in which they need each other.
class HttpServer final : public Server {
 public:
  HttpServer(Parts parts, Options options)
      : runtime_(parts.runtime),
        credentials_({}, {}),  // Nobody's, until `serve`.
        authenticator_(credentials_),
        request_metrics_(metrics()),
        context_{.options = std::move(options),
                 .protocol = {route, error_reply},
                 .authenticator = authenticator_,
                 .clock = parts.clock,
                 .health = parts.health,
                 .metrics = request_metrics_,
                 .host_id = random_host_id(),
                 .serving = false} {}
  ~HttpServer() override { stop(std::chrono::milliseconds(0)); }

  Result<> open() {
    const Options& options = context_.options;
    if (!options.tls_certificate_path.empty()) {
      auto tls = TlsContext::load(options.tls_certificate_path, options.tls_key_path, context_.clock);
      if (!tls) return std::move(tls).error();
      tls_ = std::move(*tls);
    }
    if (!options.access_log_path.empty()) {
      auto log = AccessLog::open(options.access_log_path, metrics());
      if (!log) return std::move(log).error();
      access_log_ = std::move(*log);
      context_.access_log = access_log_.get();
    }
    boost::system::error_code failure;
    boost::asio::ip::tcp::resolver resolver(runtime_.io(0));
    const auto found = resolver.resolve(options.listen_host, std::to_string(options.listen_port), failure);
    if (failure || found.empty()) {
      return error(Errc::invalid_argument, "listen: " + options.listen_host + ": " + failure.message());
    }
    return open_listeners(found.begin()->endpoint().address());
  }

  std::uint16_t port() const override { return port_; }

  void serve(objects::Store& store, RootCredential root, AdminHandler* admin) override {
    credentials_.replace(std::move(root.access_key), std::move(root.secret_key));
    context_.store = &store;
    context_.admin = admin;
    context_.serving = true;
  }

  void stop(std::chrono::milliseconds grace) override {
    std::vector<std::future<void>> ends;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      ends.push_back(boost::asio::co_spawn(runtime_.io(i), listeners_[i]->stop(grace), boost::asio::use_future));
    }
    for (auto& end : ends) end.get();
    listeners_.clear();
  }

 private:
  Result<> open_listeners(const boost::asio::ip::address& address) {
    port_ = context_.options.listen_port;
    if (auto free = Listener::check_free({address, port_}); !free) return free;
    std::vector<std::unique_ptr<Listener>> opened;
    for (std::size_t i = 0; i < runtime_.io_threads(); ++i) {
      auto listener = std::make_unique<Listener>(runtime_.io(i), context_, tls_.get());
      if (auto bound = listener->open({address, port_}); !bound) return bound;
      port_ = listener->port();  // The first one's choice, if it was the kernel's, is everybody's.
      opened.push_back(std::move(listener));
    }
    listeners_ = std::move(opened);
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      boost::asio::post(runtime_.io(i), [listener = listeners_[i].get()] { listener->start(); });
    }
    return {};
  }

  Runtime& runtime_;
  RootCredentialSource credentials_;
  SignatureAuthenticator authenticator_;
  RequestMetrics request_metrics_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<AccessLog> access_log_;
  ServerContext context_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(Parts parts, Options options) {
  auto server = std::make_unique<HttpServer>(parts, std::move(options));
  if (auto opened = server->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace firn::gateway
