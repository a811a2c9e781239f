#include "server/shard_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "firn/base/log.h"
#include "wire/handshake.h"

namespace firn::volume {

namespace asio = boost::asio;
using boost::system::error_code;
using wire::FrameKind;

namespace {

constexpr std::chrono::seconds kHandshakeTimeout{5};
constexpr std::chrono::milliseconds kAliveInterval{500};
/// A peer that takes none of what it asked for holds memory that others wait for.
constexpr std::chrono::seconds kWriteTimeout{30};

void log_thrown(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& failure) {
    log::error("a peer's connection ended: {}", failure.what());
  }
}

}  // namespace

ShardConnection::ShardConnection(asio::io_context& io, std::shared_ptr<ShardServerShared> shared,
                                 wire::Channel::Socket socket)
    : io_(io),
      shared_(std::move(shared)),
      channel_(wire::make_channel(std::move(socket), shared_->tls.get(), wire::TlsFiles::Role::server)),
      reader_(*channel_),
      writer_(*channel_),
      timer_(io) {}

asio::awaitable<void> ShardConnection::run() {
  limit_handshake();
  const Result<> open = co_await this->open();
  handshaking_ = false;
  timer_.cancel();
  if (open && !finishing_) {
    co_await serve();
  } else if (open.code() == Errc::io_error) {
    log::debug("a connection to the shard port ended early: {}",
               open.error().detail);  // A probe, or a peer that stops.
  } else if (!open) {
    log::warn("a connection to the shard port was refused: {}", open.error().detail);
  }
  ended_ = true;
  channel_->cut();
}

void ShardConnection::limit_handshake() {
  timer_.expires_after(kHandshakeTimeout);
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled && self->handshaking_) self->channel_->cut();
  });
}

Task<> ShardConnection::open() {
  CO_TRY(co_await channel_->open());
  reader_.set_bounds(wire::kHandshakeBounds);
  CO_TRY(co_await shake_hands());
  reader_.set_bounds({});
  co_return Unit{};
}

Task<> ShardConnection::shake_hands() {
  CO_TRY_LET(const wire::Frame first, co_await reader_.next());
  CO_TRY_LET(const auto hello, wire::handshake_body<wire::HelloBody>(first, FrameKind::hello));
  wire::FrameBytes frame;
  const auto challenge = wire::answer_hello(shared_->identity, hello);
  if (!challenge) {
    frame.begin_failure(FrameKind::challenge, 0, challenge.error());
    CO_TRY(co_await wire::send_alone(*channel_, frame));
    co_return challenge.error();
  }
  frame.begin(FrameKind::challenge, 0);
  frame.put(*challenge);
  CO_TRY(co_await wire::send_alone(*channel_, frame));

  CO_TRY_LET(const wire::Frame second, co_await reader_.next());
  CO_TRY_LET(const auto proof, wire::handshake_body<wire::Proof>(second, FrameKind::proof));
  const std::string& key = shared_->identity.key;
  const auto proven = wire::check_proof(wire::prove(wire::Side::client, key, hello, *challenge), proof);
  if (!proven) {
    frame.begin_failure(FrameKind::welcome, 0, proven.error());
    CO_TRY(co_await wire::send_alone(*channel_, frame));
    co_return proven;
  }
  frame.begin(FrameKind::welcome, 0);
  frame.put(wire::prove(wire::Side::server, key, hello, *challenge));
  peer_node_ = hello.from;
  watching_ = (hello.flags & wire::kWatchFlag) != 0;
  co_return co_await wire::send_alone(*channel_, frame);
}

asio::awaitable<void> ShardConnection::serve() {
  const Self self = shared_from_this();
  asio::co_spawn(io_, send(self), log_thrown);
  asio::co_spawn(io_, tick(self), log_thrown);
  if (watching_) say_alive();
  const Result<> received = co_await receive();
  if (received.code() == Errc::corrupt) {
    log::warn("node {} is cut off: {}", peer_node_, received.error().detail);
  }
  // Nobody is left to hear the answers, unless this side wanted the end.
  if (!finishing_) channel_->cut();
  while (under_way_ > 0) co_await request_ended_.wait();
  ended_ = true;
  writer_.end();
  timer_.cancel();
  co_await sender_ended_.wait();
  co_await ticker_ended_.wait();
}

Task<> ShardConnection::receive() {
  while (!finishing_) {
    CO_TRY_LET(const wire::Frame frame, co_await reader_.next());
    CO_TRY(co_await take(frame));
  }
  co_return Unit{};
}

asio::awaitable<void> ShardConnection::send(Self self) {
  co_await self->writer_.run();
  self->channel_->cut();
  self->sender_ended_.signal();
}

asio::awaitable<void> ShardConnection::tick(Self self) {
  while (!self->ended_) {
    self->timer_.expires_after(kAliveInterval);
    co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (self->ended_) break;
    const Time now = std::chrono::steady_clock::now();
    const auto writing_since = self->writer_.writing_since();
    if (writing_since && now - *writing_since > kWriteTimeout) {
      log::warn("node {} is cut off: it does not take its answers", self->peer_node_);
      self->channel_->cut();
    } else if (self->watching_ || (self->under_way_ > 0 && now - self->writer_.last_sent() > kAliveInterval / 2)) {
      self->say_alive();
    }
  }
  self->ticker_ended_.signal();
}

void ShardConnection::say_alive() {
  if (alive_.under_way) return;
  alive_.under_way = true;
  alive_.frame.begin(FrameKind::alive, 0);
  if (watching_) wire::put_served(alive_.frame, shared_->drives.list());
  alive_.frame.seal();
  writer_.push(alive_);
}

void ShardConnection::finish() {
  finishing_ = true;
  if (handshaking_) {
    channel_->cut();
  } else {
    channel_->end_receiving();
  }
}

}  // namespace firn::volume
