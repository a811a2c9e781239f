#include "test_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include <boost/beast/core/string.hpp>

namespace firn::gateway::test {

std::string Answer::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    if (boost::beast::iequals({line.data(), colon}, {name.data(), name.size()}))
      return std::string(line.substr(colon + 2));
  }
  return {};
}

Client::Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << errno;
}

Client::~Client() { ::close(descriptor_); }

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Client::end_sending() { ::shutdown(descriptor_, SHUT_WR); }

std::size_t Client::read_some(char* into, std::size_t bytes) {
  ssize_t received = 0;
  do {
    received = ::recv(descriptor_, into, bytes, 0);
  } while (received < 0 && errno == EINTR);
  return received > 0 ? static_cast<std::size_t>(received) : 0;
}

bool Client::read_more() {
  std::array<char, 16 * 1024> piece;
  const std::size_t bytes = read_some(piece.data(), piece.size());
  buffered_.append(piece.data(), bytes);
  return bytes > 0;
}

std::optional<Answer> Client::receive(bool head_only) {
  std::size_t head_end = 0;
  while ((head_end = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return std::nullopt;
  }
  Answer answer;
  answer.head = buffered_.substr(0, head_end + 2);
  buffered_.erase(0, head_end + 4);
  answer.status = std::atoi(answer.head.c_str() + sizeof("HTTP/1.1 ") - 1);
  const std::string length = answer.header("Content-Length");
  if (head_only || length.empty()) return answer;
  const std::size_t bytes = std::strtoull(length.c_str(), nullptr, 10);
  while (buffered_.size() < bytes) {
    if (!read_more()) return std::nullopt;
  }
  answer.body = buffered_.substr(0, bytes);
  buffered_.erase(0, bytes);
  return answer;
}

std::string Client::receive_all() {
  while (read_more()) {
  }
  return std::exchange(buffered_, {});
}

bool Client::ended() {
  pollfd poll{descriptor_, POLLIN, 0};
  if (::poll(&poll, 1, 0) <= 0) return false;
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

}  // namespace firn::gateway::test
