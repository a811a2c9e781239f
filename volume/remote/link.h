#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/container/small_vector.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "client/event.h"
#include "firn/base/gate.h"
#include "firn/volume/remote_drives.h"
#include "remote/dial.h"
#include "wire/frame_reader.h"
#include "wire/frame_writer.h"
#include "wire/messages.h"

namespace firn::volume {

/// One request and its answer. Lives in the frame of the coroutine that asks.
class Call final : public wire::Outgoing {
 public:
  explicit Call(wire::FrameKind kind) : kind_(kind) {}

  wire::FrameKind kind() const { return kind_; }
  const Result<>& outcome() const { return outcome_; }
  ByteView body() const { return {body_.data(), body_.size()}; }
  Buffer take_payload() { return std::move(payload_); }

  void written() override;

 private:
  friend class Link;
  enum class Stage : std::uint8_t { waiting, queued, sent };
  void settle(Result<> outcome);

  const wire::FrameKind kind_;
  Stage stage_ = Stage::waiting;
  bool settled_ = false;
  std::chrono::steady_clock::time_point deadline_;
  Event done_;
  Result<> outcome_;
  boost::container::small_vector<std::byte, 32> body_;
  Buffer payload_;
};

/// The calls of a connection that have no answer yet, by the numbers they travel under. A number comes again only after
/// 65,536 calls in its place, so a late answer finds nobody instead of somebody else.
class CallTable {
 public:
  std::uint32_t add(Call& call);
  Call* find(std::uint32_t request) const;
  void remove(std::uint32_t request);
  std::size_t size() const { return size_; }
  std::vector<std::uint32_t> requests() const;

 private:
  struct Place {
    Call* call = nullptr;
    std::uint16_t round = 0;
  };
  std::vector<Place> places_;
  std::vector<std::uint16_t> free_;
  std::size_t size_ = 0;
};

/// A connection to one peer for one io thread, made again whenever it is needed and gone.
///
/// Threads: the io thread of `io`. Shared by its owner and its own coroutines.
class Link : public std::enable_shared_from_this<Link> {
 public:
  enum class Loss : std::uint8_t {
    ended,    ///< By the peer, or by what is between.
    silent,   ///< Nothing is heard on it any more.
    refused,  ///< None can be made: nobody listens there.
  };
  struct Watch {
    /// Up with what the peer serves, told again whenever the peer says it; or lost.
    std::function<void(const std::vector<wire::ServedDrive>&)> seen;
    std::function<void(const Error&, Loss how)> lost;
  };
  /// With a watch, the connection is kept up always.
  Link(boost::asio::io_context& io, std::shared_ptr<const Dial> dial, std::optional<Watch> watch);

  /// Begins to connect.
  void wake();
  /// Until the answer, or the failure, is in `call`.
  boost::asio::awaitable<void> ask(Call& call);
  /// Ends the connection: what is under way fails. The next call makes another.
  void disconnect(Error why);
  boost::asio::awaitable<void> stop();

 private:
  enum class State : std::uint8_t { down, connecting, up };
  using Time = std::chrono::steady_clock::time_point;

  static boost::asio::awaitable<void> keep(std::shared_ptr<Link> self, Gate::Pass pass);
  Task<> connect();
  boost::asio::awaitable<void> serve();
  static boost::asio::awaitable<void> send(std::shared_ptr<Link> self);
  static boost::asio::awaitable<void> tick(std::shared_ptr<Link> self);
  Task<> receive();
  Task<> take_answer(const wire::Frame& frame);
  Result<> take_alive(const wire::Frame& frame);
  void begin(Call& call);
  void check_silence(Time now);
  void check_deadlines(Time now);
  void finish(std::uint32_t request, Result<> outcome);
  void fail_all(const Error& why);  ///< That wait for a connection.
  boost::asio::awaitable<void> pause();

  boost::asio::io_context& io_;
  const std::shared_ptr<const Dial> dial_;
  const std::optional<Watch> watch_;
  Gate gate_;
  bool stopped_ = false;
  bool keeping_ = false;
  State state_ = State::down;
  Error why_down_;
  Loss loss_ = Loss::ended;         ///< Of the last connection, or attempt.
  std::optional<Error> why_ended_;  ///< Of the connection that is up, when this side ends it.
  Time retry_at_;
  std::chrono::milliseconds retry_after_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer tick_timer_;
  std::unique_ptr<DialAttempt> attempt_;
  std::unique_ptr<wire::Channel> channel_;
  std::unique_ptr<wire::FrameReader> reader_;
  std::unique_ptr<wire::FrameWriter> writer_;
  Event sender_ended_;
  Event ticker_ended_;
  std::vector<Call*> waiting_;  ///< For the connection.
  CallTable calls_;
  Time heard_;
  Time asked_;  ///< When the first of the calls under way was.
};

}  // namespace firn::volume
