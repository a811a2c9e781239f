#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace firn::gateway::test {

/// An answer as it came over the wire.
struct Answer {
  int status = 0;
  std::string head;  ///< Status line and headers.
  std::string body;
  std::string header(std::string_view name) const;  ///< Empty if absent.
};

/// A client that sends exactly the bytes it is told to, over a blocking loopback socket.
class Client {
 public:
  explicit Client(std::uint16_t port);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False when the peer has closed.
  virtual bool send(std::string_view bytes);
  void end_sending();
  /// The next answer; nothing if the connection ends before it does. `head_only`: it answers a HEAD.
  std::optional<Answer> receive(bool head_only = false);
  /// Everything up to the end of the connection.
  std::string receive_all();
  /// Whether the server has ended the connection, without waiting.
  bool ended();
  int descriptor() const { return descriptor_; }

 protected:
  /// 0 at the end or on failure.
  virtual std::size_t read_some(char* into, std::size_t bytes);

 private:
  bool read_more();
  int descriptor_;
  std::string buffered_;
};

}  // namespace firn::gateway::test
