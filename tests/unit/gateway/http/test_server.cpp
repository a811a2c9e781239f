#include "test_server.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <future>
#include <stdexcept>

#include "firn/base/digest.h"

namespace firn::gateway::test {
namespace {

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

/// Bytes that tell their own place.
char content_at(std::size_t at) { return static_cast<char>('a' + at % 23); }

class CountedBody final : public ReplyBody {
 public:
  CountedBody(std::size_t length, std::size_t run, std::size_t fails_at)
      : length_(length), run_(run), fails_at_(fails_at) {}
  std::uint64_t length_bytes() const override { return length_; }
  Task<ByteView> next() override {
    if (at_ >= fails_at_) co_return error(Errc::io_error, "as told");
    bytes_.clear();
    for (std::size_t i = 0; i < run_ && at_ < length_; ++i) bytes_.push_back(content_at(at_++));
    co_return as_bytes(bytes_);
  }

 private:
  const std::size_t length_, run_, fails_at_;
  std::size_t at_ = 0;
  std::string bytes_;
};

Task<Reply> stream(Request& request) {
  Reply reply;
  if (request.method == Verb::put) {
    reply.status = 204;
    co_return reply;
  }
  if (request.key == "throw") throw std::runtime_error("as told");
  if (request.key == "inject") {
    reply.add("Content-Disposition", "a\r\nX-Evil: 1\r\n\r\n<html>");
    co_return reply;
  }
  if (request.key == "missing") co_return error(Errc::no_such_key);
  if (request.key.starts_with("fail-")) {
    const std::size_t at = std::strtoull(request.key.c_str() + 5, nullptr, 10);
    reply.stream = std::make_unique<CountedBody>(1000, 10, at);
    co_return reply;
  }
  char* rest = nullptr;
  const std::size_t length = std::strtoull(request.key.c_str(), &rest, 10);
  const std::size_t run = *rest == '-' ? std::strtoull(rest + 1, nullptr, 10) : 64 * 1024;
  if (request.method == Verb::head) {
    reply.head_length = length;
  } else {
    reply.stream = std::make_unique<CountedBody>(length, run, kNever);
  }
  co_return reply;
}

Task<Reply> echo(Request& request) {
  Reply reply;
  std::array<std::byte, 1000> window;
  for (;;) {
    CO_TRY_LET(const std::size_t bytes, co_await request.body->read(window));
    if (bytes == 0) break;
    reply.content.append(as_text(ByteView(window).first(bytes)));
  }
  CO_TRY_LET(const std::size_t after_the_end, co_await request.body->read(window));
  if (after_the_end != 0) co_return error(Errc::internal, "bytes after the end");
  for (const std::string& name : request.body->announced_trailers()) {
    const std::string* value = request.body->trailer(name);
    reply.add("x-trailer-" + name, value ? *value : "(none)");
  }
  reply.add("x-sha", to_hex(request.body->signed_sha256()));
  reply.add("x-length", request.body->length_bytes() ? std::to_string(*request.body->length_bytes()) : "(none)");
  reply.add("x-bucket", request.bucket);
  reply.add("x-key", to_hex(request.key));
  reply.add("x-owner", request.identity.access_key);
  co_return reply;
}

constexpr Operation kStream{"Stream", Verb::get, Scope::object, "", "", "s3:GetObject", Body::none, stream};
constexpr Operation kEcho{"Echo", Verb::put, Scope::object, "", "", "s3:PutObject", Body::stream, echo};
constexpr Operation kIgnore{"Ignore", Verb::put, Scope::object, "ignore", "", "s3:PutObject", Body::none, stream};

const Operation& route(Verb method, Scope, const Query& query, const Fields&) {
  for (const auto& parameter : query.parameters()) {
    if (parameter.name == "ignore") return kIgnore;
  }
  return method == Verb::put ? kEcho : kStream;
}

Reply error_reply(const Error& failure, const Request& request) {
  Reply reply;
  switch (failure.code) {
    case Errc::internal:
    case Errc::io_error:
      reply.status = 500;
      break;
    case Errc::cancelled:
      reply.status = 503;
      break;
    case Errc::no_such_key:
      reply.status = 404;
      break;
    case Errc::access_denied:
    case Errc::signature_does_not_match:
      reply.status = 403;
      break;
    default:
      reply.status = 400;
      break;
  }
  if (request.method != Verb::head) reply.content = to_string(failure.code);
  return reply;
}

}  // namespace

TestServer::TestServer(Server::Options options, TlsContext* tls, AccessLog* access_log)
    : context_{.options = std::move(options),
               .protocol = {route, error_reply},
               .authenticator = authenticator_,
               .clock = clock_,
               .health = health_,
               .store = nullptr,
               .metrics = request_metrics_,
               .access_log = access_log,
               .host_id = "host-id"},
      listener_(std::make_unique<Listener>(runtime_.io(0), context_, tls)) {
  runtime_.start();
  const auto opened = listener_->open({boost::asio::ip::address_v4::loopback(), 0});
  EXPECT_TRUE(opened) << opened.error().detail;
  boost::asio::post(runtime_.io(0), [this] { listener_->start(); });
}

TestServer::~TestServer() {
  if (listener_) stop(std::chrono::milliseconds(0));
  runtime_.stop();
}

void TestServer::sweep() {
  std::promise<void> done;
  boost::asio::post(runtime_.io(0), [&] {
    listener_->sweep();
    done.set_value();
  });
  done.get_future().get();
}

void TestServer::stop(std::chrono::milliseconds grace) {
  boost::asio::co_spawn(runtime_.io(0), listener_->stop(grace), boost::asio::use_future).get();
  listener_.reset();
}

std::string request_head(ClientRequest request, std::string_view payload, std::optional<std::uint64_t> body_bytes,
                         std::string_view host) {
  ClientRequest sent = std::move(request);
  sent.headers.insert(sent.headers.begin(), {"Host", std::string(host)});
  sent.with("x-amz-date", std::string(kAmzDate)).with("x-amz-content-sha256", std::string(payload));
  std::vector<std::string> names;
  for (const auto& [name, value] : sent.headers) {
    std::string lower;
    for (const char c : name) lower.push_back(static_cast<char>(std::tolower(c)));
    if (lower == "host" || lower.starts_with("x-amz-")) names.push_back(lower);
  }
  std::sort(names.begin(), names.end());
  std::string signed_headers;
  for (const auto& name : names) signed_headers += (signed_headers.empty() ? "" : ";") + name;
  sign_header(sent, signed_headers);
  if (body_bytes) sent.with("Content-Length", std::to_string(*body_bytes));
  std::string text = sent.method + " " + sent.path + (sent.query.empty() ? "" : "?" + sent.query) + " HTTP/1.1\r\n";
  for (const auto& [name, value] : sent.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

std::string request_with_body(std::string path, std::string_view body) {
  return request_head({.method = "PUT", .path = std::move(path)}, to_hex(sha256(as_bytes(body))), body.size()) +
         std::string(body);
}

std::string get(std::string path) { return request_head({.method = "GET", .path = std::move(path)}); }

}  // namespace firn::gateway::test
