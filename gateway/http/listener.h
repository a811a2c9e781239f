#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "http/server_context.h"
#include "http/session.h"
#include "http/tls_context.h"
#include "http/transport.h"

namespace firn::gateway {

/// One io thread's share of the server: its own listening socket (the kernel spreads connections over them) and the
/// sessions it accepted.
///
/// Threads: made on the main thread; after `start`, its io thread alone.
class Listener {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;

  /// `tls` is null for plain HTTP. All must outlive the listener.
  Listener(boost::asio::io_context& io, ServerContext& context, TlsContext* tls);
  ~Listener();

  /// Fails while another process listens there. Asked once before the first `open`: listeners share their port, and
  /// would share it with a second server of the same user too.
  static Result<> check_free(const Endpoint& endpoint);
  /// Binds and listens; connections queue in the kernel until `start`.
  Result<> open(const Endpoint& endpoint);
  std::uint16_t port() const;

  void start();
  /// Accepts no more, lets requests under way finish for `grace`, then cuts them; returns when all sessions have ended.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
  /// Ends what is past its deadline. The timer calls it; tests do so with a clock of their own.
  void sweep();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  boost::asio::awaitable<void> accept_connections();
  boost::asio::awaitable<void> serve(Transport::Socket socket);
  std::unique_ptr<Transport> make_transport(Transport::Socket socket);
  bool admit(Transport::Socket& socket);
  void sweep_soon();

  boost::asio::io_context& io_;
  ServerContext& context_;
  TlsContext* tls_;
  Acceptor acceptor_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer pause_timer_;
  Gate gate_;
  std::vector<Session*> sessions_;
  bool sweep_scheduled_ = false;
  bool stopping_ = false;
};

}  // namespace firn::gateway
