#include "firn/volume/shard_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "firn/base/gate.h"
#include "firn/base/log.h"
#include "server/shard_connection.h"
#include "wire/handshake.h"

namespace firn::volume {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// After accept fails for want of descriptors or memory, which only time or a closed connection mends.
constexpr std::chrono::milliseconds kAcceptPause{100};

void log_thrown(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failure) {
    log::error("the shard server: {}", failure.what());
  }
}

class Server final : public ShardServer {
 public:
  Server(Runtime& runtime, Options options, std::shared_ptr<wire::TlsFiles> tls);

  Result<> listen();
  std::uint16_t port() const override { return port_; }
  void serve(std::shared_ptr<DriveService> drive, Uuid uuid) override { shared_->drives.serve(std::move(drive), uuid); }
  void withdraw(DriveIndex drive) override { shared_->drives.withdraw(drive); }
  Task<> stop() override;

 private:
  /// The connections of one io thread; only that thread touches it.
  struct Lane {
    explicit Lane(asio::io_context& context) : io(context), gate(context.get_executor()) {}
    asio::io_context& io;
    Gate gate;
    std::vector<ShardConnection*> connections;
  };

  asio::awaitable<void> accept_connections();
  asio::awaitable<void> run_connection(Lane& lane, tcp::socket socket);
  Task<> stop_accepting();
  static Task<> stop_lane(Lane& lane);

  Runtime& runtime_;
  const Options options_;
  // Shared with connections, which may end after a server that was never stopped.
  const std::shared_ptr<ShardServerShared> shared_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  Gate accepting_;
  bool stopping_ = false;  ///< The first io thread's.
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

Server::Server(Runtime& runtime, Options options, std::shared_ptr<wire::TlsFiles> tls)
    : runtime_(runtime),
      options_(std::move(options)),
      shared_(std::make_shared<ShardServerShared>()),
      acceptor_(runtime.io(0)),
      pause_(runtime.io(0)),
      accepting_(runtime.io(0).get_executor()) {
  shared_->identity = options_.identity;
  shared_->tls = std::move(tls);
  shared_->inflight_bytes_max = options_.inflight_bytes_max;
  for (std::size_t i = 0; i < runtime.io_threads(); ++i) lanes_.push_back(std::make_unique<Lane>(runtime.io(i)));
}

Result<> Server::listen() {
  error_code failure;
  const auto address = asio::ip::make_address(options_.host, failure);
  const tcp::endpoint endpoint(address, options_.port);
  if (!failure) acceptor_.open(endpoint.protocol(), failure);
  if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) acceptor_.bind(endpoint, failure);
  if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) {
    return error(Errc::io_error, "shard server: listen on " + options_.host + ":" + std::to_string(options_.port) +
                                     ": " + failure.message());
  }
  port_ = acceptor_.local_endpoint(failure).port();
  FIRN_ASSERT(accepting_.enter());
  asio::co_spawn(
      runtime_.io(0), accept_connections(),
      [pass = std::make_shared<Gate::Pass>(accepting_)](const std::exception_ptr& thrown) { log_thrown(thrown); });
  return {};
}

asio::awaitable<void> Server::accept_connections() {
  for (std::size_t next = 0; !stopping_; ++next) {
    Lane& lane = *lanes_[next % lanes_.size()];
    auto [failure, socket] = co_await acceptor_.async_accept(lane.io, asio::as_tuple(asio::use_awaitable));
    if (stopping_) co_return;
    if (failure) {
      log::warn("shard server: accept: {}", failure.message());
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    if (shared_->connections.load() >= options_.connections_max) continue;
    shared_->connections.fetch_add(1);
    asio::co_spawn(lane.io, run_connection(lane, std::move(socket)), log_thrown);
  }
}

asio::awaitable<void> Server::run_connection(Lane& lane, tcp::socket socket) {
  const std::shared_ptr<ShardServerShared> shared = shared_;
  if (lane.gate.enter()) {
    const Gate::Pass pass(lane.gate);
    wire::tune(socket);
    const auto connection = std::make_shared<ShardConnection>(lane.io, shared, std::move(socket));
    lane.connections.push_back(connection.get());
    co_await connection->run();
    std::erase(lane.connections, connection.get());
  }
  shared->connections.fetch_sub(1);
}

Task<> Server::stop_accepting() {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  co_await accepting_.close();
  co_return Unit{};
}

Task<> Server::stop_lane(Lane& lane) {
  for (ShardConnection* connection : lane.connections) connection->finish();
  co_await lane.gate.close();
  co_return Unit{};
}

Task<> Server::stop() {
  CO_TRY(co_await asio::co_spawn(runtime_.io(0), stop_accepting(), asio::use_awaitable));
  for (auto& lane : lanes_) CO_TRY(co_await asio::co_spawn(lane->io, stop_lane(*lane), asio::use_awaitable));
  co_return Unit{};
}

}  // namespace

Result<std::unique_ptr<ShardServer>> ShardServer::start(Runtime& runtime, Options options) {
  auto tls = wire::load_identity(options.identity);
  if (!tls) return std::move(tls).error();
  auto server = std::make_unique<Server>(runtime, std::move(options), *std::move(tls));
  if (auto listening = server->listen(); !listening) return std::move(listening).error();
  return std::unique_ptr<ShardServer>(std::move(server));
}

}  // namespace firn::volume
