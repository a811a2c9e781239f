#include "http_client.h"

#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <charconv>

namespace firn::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

/// A usage report of a hundred thousand buckets is some 10 MiB.
constexpr std::uint64_t kAnswerBytesMax = 64ULL << 20;
constexpr int kHttp11 = 11;

beast::http::request<beast::http::empty_body> to_beast(const HttpRequest& request) {
  beast::http::request<beast::http::empty_body> message;
  message.version(kHttp11);
  message.method_string(request.method);
  message.target(request.target);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.set(beast::http::field::connection, "close");
  message.prepare_payload();
  return message;
}

template <class Stream>
asio::awaitable<HttpAnswer> ask(Stream& stream, const HttpRequest& request) {
  const auto message = to_beast(request);
  co_await beast::http::async_write(stream, message, asio::use_awaitable);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  co_await beast::http::async_read(stream, buffer, parser, asio::use_awaitable);
  co_return HttpAnswer{parser.get().result_int(), std::move(parser.get().body())};
}

asio::awaitable<HttpAnswer> ask_tls(beast::tcp_stream stream, const Endpoint& endpoint, const std::string& ca_file,
                                    const HttpRequest& request) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  if (ca_file.empty()) {
    context.set_default_verify_paths();
  } else {
    context.load_verify_file(ca_file);
  }
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> tls(std::move(stream), context);
  tls.set_verify_callback(asio::ssl::host_name_verification(endpoint.host));
  SSL_set_tlsext_host_name(tls.native_handle(), endpoint.host.c_str());
  co_await tls.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_return co_await ask(tls, request);
}

// Parameters outlive it: the caller waits.
asio::awaitable<HttpAnswer> converse(const Endpoint& endpoint, const HttpClient::Options& options,
                                     const HttpRequest& request) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  const auto addresses =
      co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port), asio::use_awaitable);
  beast::tcp_stream stream(executor);
  stream.expires_after(options.timeout);
  co_await stream.async_connect(addresses, asio::use_awaitable);
  stream.expires_after(options.timeout);
  if (endpoint.tls) co_return co_await ask_tls(std::move(stream), endpoint, options.ca_file, request);
  co_return co_await ask(stream, request);
}

Error bad_endpoint(const std::string& url) {
  return client_error(Errc::invalid_argument, "\"" + url + "\" is not http://HOST:PORT or https://HOST:PORT");
}

}  // namespace

std::string Endpoint::authority() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::url() const { return (tls ? "https://" : "http://") + authority(); }

Result<Endpoint> parse_endpoint(const std::string& url) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  Endpoint endpoint{.tls = url.starts_with(kTls)};
  if (!endpoint.tls && !url.starts_with(kPlain)) return bad_endpoint(url);
  std::string rest = url.substr(endpoint.tls ? kTls.size() : kPlain.size());
  if (rest.ends_with('/')) rest.pop_back();
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon == std::string::npos || rest.find_first_of("/?#@") != std::string::npos) return bad_endpoint(url);
  endpoint.host = rest.substr(0, colon);
  if (bracket != std::string::npos) {
    if (!endpoint.host.starts_with('[') || bracket + 1 != colon) return bad_endpoint(url);
    endpoint.host = endpoint.host.substr(1, bracket - 1);
  }
  const char* const end = rest.data() + rest.size();
  const auto [stop, failure] = std::from_chars(rest.data() + colon + 1, end, endpoint.port);
  if (failure != std::errc{} || stop != end || endpoint.port == 0 || endpoint.host.empty()) return bad_endpoint(url);
  return endpoint;
}

Result<HttpAnswer> HttpClient::exchange(const HttpRequest& request) const {
  // Asynchronous inside, for that alone has deadlines; Asio's failures end here.
  try {
    asio::io_context context(1);
    auto answer = asio::co_spawn(context, converse(endpoint_, options_, request), asio::use_future);
    context.run();
    return answer.get();
  } catch (const boost::system::system_error& failure) {
    const bool late = failure.code() == beast::error::timeout;
    return client_error(Errc::io_error, "no answer from " + endpoint_.url() + ": " +
                                            (late ? "nothing within " + std::to_string(options_.timeout.count()) + " s"
                                                  : failure.code().message()));
  }
}

}  // namespace firn::cli
