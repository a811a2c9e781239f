#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "firn/base/result.h"

namespace firn::cli {

/// Where a server answers, in the parts of "https://host:port".
struct Endpoint {
  bool tls = false;
  std::string host;  ///< A name or an address, an IPv6 address without brackets.
  std::uint16_t port = 0;

  /// As the Host header spells it.
  std::string authority() const;
  std::string url() const;
};
/// Errc::invalid_argument with a message for people.
Result<Endpoint> parse_endpoint(const std::string& url);

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

/// One request without a body over a connection of its own.
///
/// Threads: blocks the caller. Memory: answers of at most 64 MiB.
class HttpClient {
 public:
  struct Options {
    /// PEM certificates to trust instead of the system's. Empty: the system's.
    std::string ca_file;
    /// For connecting, and then for the whole exchange.
    std::chrono::seconds timeout{60};
  };
  HttpClient(Endpoint endpoint, Options options) : endpoint_(std::move(endpoint)), options_(std::move(options)) {}

  const Endpoint& endpoint() const { return endpoint_; }
  /// Errc::io_error with a message for people when there is no answer.
  Result<HttpAnswer> exchange(const HttpRequest& request) const;

 private:
  const Endpoint endpoint_;
  const Options options_;
};

}  // namespace firn::cli
