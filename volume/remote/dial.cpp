#include "remote/dial.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "wire/frame_writer.h"
#include "wire/handshake.h"

namespace firn::volume {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

PeerAddress Dial::address() const {
  const std::lock_guard lock(mutex_);
  return peer_;
}

void Dial::set_address(PeerAddress peer) {
  const std::lock_guard lock(mutex_);
  peer_ = std::move(peer);
}

/// What the timer may end.
struct DialAttempt::Shared {
  explicit Shared(asio::io_context& io) : timer(io), resolver(io), socket(io) {}

  void end() {
    ended = true;
    error_code ignored;
    resolver.cancel();
    socket.close(ignored);
    if (channel != nullptr) channel->cut();
  }

  asio::steady_timer timer;
  tcp::resolver resolver;
  tcp::socket socket;
  wire::Channel* channel = nullptr;
  bool ended = false;
  bool late = false;
};

DialAttempt::DialAttempt(asio::io_context& io, const Dial& dial) : dial_(dial), shared_(std::make_shared<Shared>(io)) {}

DialAttempt::~DialAttempt() {
  shared_->channel = nullptr;
  shared_->timer.cancel();
}

void DialAttempt::cancel() { shared_->end(); }

Error DialAttempt::failure(const std::string& what) const {
  const PeerAddress peer = dial_.address();
  return error(Errc::drive_unreachable, "node " + std::to_string(peer.node.value) + " at " + peer.host + ":" +
                                            std::to_string(peer.port) + ": " + (shared_->late ? "no answer" : what));
}

Task<Dialled> DialAttempt::run(bool watch) {
  shared_->timer.expires_after(dial_.options().connect_timeout);
  shared_->timer.async_wait([shared = shared_](const error_code& cancelled) {
    if (cancelled) return;
    shared->late = true;
    shared->end();
  });
  auto socket = co_await connect(dial_.address());
  if (!socket) co_return std::move(socket).error();
  wire::tune(*socket);
  if (shared_->ended) co_return failure("given up");
  Dialled dialled;
  dialled.channel = wire::make_channel(std::move(*socket), dial_.tls(), wire::TlsFiles::Role::client);
  dialled.reader = std::make_unique<wire::FrameReader>(*dialled.channel);
  shared_->channel = dialled.channel.get();
  Result<> open = co_await dialled.channel->open();
  if (open) open = co_await shake_hands(dialled, watch);
  shared_->channel = nullptr;
  shared_->timer.cancel();
  if (!open) co_return failure(open.error().detail);
  if (shared_->ended) co_return failure("given up");
  dialled.reader->set_bounds({});
  co_return dialled;
}

Task<tcp::socket> DialAttempt::connect(const PeerAddress& peer) {
  std::vector<tcp::endpoint> endpoints;
  error_code not_numeric;
  const auto address = asio::ip::make_address(peer.host, not_numeric);
  if (!not_numeric) {
    endpoints.emplace_back(address, peer.port);
  } else {
    auto [failed, found] = co_await shared_->resolver.async_resolve(peer.host, std::to_string(peer.port),
                                                                    asio::as_tuple(asio::use_awaitable));
    if (failed) co_return failure(failed.message());
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  }
  std::string why = "the name has no address";
  refused_ = !endpoints.empty();
  for (const auto& endpoint : endpoints) {
    if (shared_->ended) break;
    error_code ignored;
    shared_->socket.close(ignored);
    const auto [failed] = co_await shared_->socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (!failed && !shared_->ended) {
      refused_ = false;
      co_return std::move(shared_->socket);
    }
    refused_ = refused_ && failed == asio::error::connection_refused;
    why = failed.message();
  }
  co_return failure(why);
}

Task<> DialAttempt::shake_hands(const Dialled& dialled, bool watch) {
  wire::Channel& channel = *dialled.channel;
  wire::FrameReader& reader = *dialled.reader;
  const ClusterIdentity& own = dial_.options().identity;
  const wire::HelloBody hello = wire::make_hello(own, dial_.node(), watch ? wire::kWatchFlag : 0);
  reader.set_bounds(wire::kHandshakeBounds);
  wire::FrameBytes frame;

  frame.begin(wire::FrameKind::hello, 0);
  frame.put(hello);
  CO_TRY(co_await wire::send_alone(channel, frame));
  CO_TRY_LET(const wire::Frame challenged, co_await reader.next());
  CO_TRY_LET(const auto challenge, wire::handshake_body<wire::ChallengeBody>(challenged, wire::FrameKind::challenge));
  CO_TRY(wire::check_challenge(hello, challenge));

  frame.begin(wire::FrameKind::proof, 0);
  frame.put(wire::prove(wire::Side::client, own.key, hello, challenge));
  CO_TRY(co_await wire::send_alone(channel, frame));
  CO_TRY_LET(const wire::Frame welcomed, co_await reader.next());
  CO_TRY_LET(const auto proof, wire::handshake_body<wire::Proof>(welcomed, wire::FrameKind::welcome));
  co_return wire::check_proof(wire::prove(wire::Side::server, own.key, hello, challenge), proof);
}

}  // namespace firn::volume
