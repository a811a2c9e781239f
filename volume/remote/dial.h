#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>

#include "firn/volume/remote_drives.h"
#include "wire/channel.h"
#include "wire/frame_reader.h"

namespace firn::volume {

/// What every connection to one peer needs to know. The address may change while connections are being made.
///
/// Threads: any.
class Dial {
 public:
  Dial(RemoteDrives::Options options, std::shared_ptr<wire::TlsFiles> tls, PeerAddress peer)
      : options_(std::move(options)), tls_(std::move(tls)), peer_(std::move(peer)) {}

  const RemoteDrives::Options& options() const { return options_; }
  wire::TlsFiles* tls() const { return tls_.get(); }
  NodeId node() const { return peer_.node; }
  PeerAddress address() const;
  void set_address(PeerAddress peer);

 private:
  const RemoteDrives::Options options_;
  const std::shared_ptr<wire::TlsFiles> tls_;  // Shared with the dials of other peers.
  mutable std::mutex mutex_;
  PeerAddress peer_;
};

/// A connection that is made. What the peer has sent since is in the reader already.
struct Dialled {
  std::unique_ptr<wire::Channel> channel;
  std::unique_ptr<wire::FrameReader> reader;
};

/// One attempt to reach a peer: name, connection, TLS and handshake, within the time given.
///
/// Threads: one io thread.
class DialAttempt {
 public:
  DialAttempt(boost::asio::io_context& io, const Dial& dial);
  ~DialAttempt();
  DialAttempt(const DialAttempt&) = delete;
  DialAttempt& operator=(const DialAttempt&) = delete;

  /// A channel on which the peer has proven who it is. `watch`: it is to tell which drives it serves.
  Task<Dialled> run(bool watch);
  /// `run` fails soon.
  void cancel();
  /// After `run`: every address of the peer refused the connection.
  bool refused() const { return refused_; }

 private:
  struct Shared;
  Task<wire::Channel::Socket> connect(const PeerAddress& peer);
  Task<> shake_hands(const Dialled& dialled, bool watch);
  Error failure(const std::string& what) const;

  const Dial& dial_;
  bool refused_ = false;
  // Shared with the timer's handler, which may come after the end.
  std::shared_ptr<Shared> shared_;
};

}  // namespace firn::volume
