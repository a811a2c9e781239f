#include "http/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <string>
#include <utility>

#include "firn/base/log.h"

namespace firn::gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// After accept fails for want of descriptors or memory, which only time or a closed connection mends.
constexpr std::chrono::milliseconds kAcceptPause{100};

/// What a connection beyond the limit gets, without a session.
std::string_view slow_down_answer() {
  static const std::string answer = [] {
    const std::string_view content =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    return fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n"
        "Connection: close\r\nRetry-After: 1\r\nServer: Firn\r\n\r\n{}",
        content.size(), content);
  }();
  return answer;
}

/// A session's place in the list, for as long as it lives.
class Place {
 public:
  Place(std::vector<Session*>& all, Session& session) : all_(all), session_(session) {
    session_.set_slot(all_.size());
    all_.push_back(&session_);
  }
  ~Place() {
    all_.back()->set_slot(session_.slot());
    all_[session_.slot()] = all_.back();
    all_.pop_back();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::vector<Session*>& all_;
  Session& session_;
};

void log_end(const char* what, const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failure) {
    log::error("{} ended: {}", what, failure.what());
  }
}

}  // namespace

Listener::Listener(asio::io_context& io, ServerContext& context, TlsContext* tls)
    : io_(io),
      context_(context),
      tls_(tls),
      acceptor_(io.get_executor()),
      sweep_timer_(io),
      pause_timer_(io),
      gate_(io.get_executor()) {}

Listener::~Listener() = default;

Result<> Listener::check_free(const Endpoint& endpoint) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor probe(io);
  error_code failure;
  probe.open(endpoint.protocol(), failure);
  if (!failure) probe.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) probe.bind(endpoint, failure);
  if (!failure) return {};
  return error(Errc::io_error,
               fmt::format("listen: {}:{}: {}", endpoint.address().to_string(), endpoint.port(), failure.message()));
}

Result<> Listener::open(const Endpoint& endpoint) {
  error_code failure;
  const auto done = [&](const char* step) {
    return failure ? Result<>(error(Errc::io_error, std::string("listen: ") + step + ": " + failure.message()))
                   : Result<>();
  };
  acceptor_.open(endpoint.protocol(), failure);
  if (failure) return done("socket");
  acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
  const int on = 1;
  if (!failure && ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    failure.assign(errno, boost::system::system_category());
  }
  // Accepted sockets inherit it, which saves a system call for each.
  if (!failure) acceptor_.set_option(asio::ip::tcp::no_delay(true), failure);
  if (failure) return done("option");
  acceptor_.bind(endpoint, failure);
  if (failure) return done("bind");
  acceptor_.listen(asio::socket_base::max_listen_connections, failure);
  return done("listen");
}

std::uint16_t Listener::port() const {
  error_code failure;
  const auto endpoint = acceptor_.local_endpoint(failure);
  return failure ? 0 : endpoint.port();
}

void Listener::start() {
  if (!gate_.enter()) return;
  asio::co_spawn(io_, accept_connections(), [pass = Gate::Pass(gate_)](const std::exception_ptr& thrown) {
    log_end("accepting connections", thrown);
  });
}

asio::awaitable<void> Listener::accept_connections() {
  while (!stopping_) {
    auto [failure, socket] = co_await acceptor_.async_accept(io_, asio::as_tuple(asio::use_awaitable));
    if (stopping_) co_return;
    if (failure) {
      log::warn("accept: {}", failure.message());
      pause_timer_.expires_after(kAcceptPause);
      co_await pause_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    if (!admit(socket)) continue;
    FIRN_ASSERT(gate_.enter());  // Only `stop` closes it.
    asio::co_spawn(io_, serve(std::move(socket)), [this, pass = Gate::Pass(gate_)](const std::exception_ptr& thrown) {
      context_.connections.fetch_sub(1, std::memory_order_relaxed);
      log_end("a connection", thrown);
    });
  }
}

bool Listener::admit(Transport::Socket& socket) {
  if (context_.connections.fetch_add(1, std::memory_order_relaxed) < context_.options.connections_max) return true;
  context_.connections.fetch_sub(1, std::memory_order_relaxed);
  context_.metrics.refused_connections().add();
  error_code ignored;
  if (tls_ == nullptr) {
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(slow_down_answer()), ignored);
    socket.shutdown(Transport::Socket::shutdown_send, ignored);
    // What has arrived is taken, or closing would reset the connection and the answer with it.
    std::array<char, 4096> thrown_away;
    socket.read_some(asio::buffer(thrown_away), ignored);
  }
  socket.close(ignored);
  return false;
}

asio::awaitable<void> Listener::serve(Transport::Socket socket) {
  auto transport = make_transport(std::move(socket));
  if (!transport) co_return;
  Session session(context_, std::move(transport));
  const Place place(sessions_, session);
  sweep_soon();
  if (stopping_) session.finish_soon();
  co_await session.run();
}

std::unique_ptr<Transport> Listener::make_transport(Transport::Socket socket) {
  return tls_ == nullptr ? make_plain_transport(std::move(socket)) : tls_->make_transport(std::move(socket));
}

void Listener::sweep_soon() {
  if (sweep_scheduled_ || sessions_.empty()) return;
  sweep_scheduled_ = true;
  sweep_timer_.expires_after(limits::kSweepInterval);
  sweep_timer_.async_wait([this](const error_code& failure) {
    sweep_scheduled_ = false;
    if (failure) return;
    sweep();
    sweep_soon();  // Until there is nobody left to wait for: an idle server does nothing.
  });
}

void Listener::sweep() {
  const SteadyTime now = context_.clock.steady_now();
  for (Session* session : sessions_) session->cut_if_late(now);
}

asio::awaitable<void> Listener::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  pause_timer_.cancel();
  for (Session* session : sessions_) session->finish_soon();
  asio::steady_timer patience(io_, grace);
  patience.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    for (Session* session : sessions_) session->cut();
  });
  co_await gate_.close();
  patience.cancel();
  sweep_timer_.cancel();
  co_await asio::post(io_, asio::use_awaitable);  // Behind the timers' last handlers, which still name this object.
}

}  // namespace firn::gateway
