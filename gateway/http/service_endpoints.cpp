#include "http/service_endpoints.h"

#include <algorithm>
#include <array>

#include "firn/base/digest.h"

namespace firn::gateway {
namespace {

struct HealthEndpoint {
  std::string_view path;
  bool (*healthy)(const Health&);
};

bool always(const Health&) { return true; }
bool is_ready(const Health& health) { return health.ready(); }
bool has_write_quorum(const Health& health) { return health.write_quorum(); }

constexpr auto kHealthEndpoints = std::to_array<HealthEndpoint>({
    {"/firn/health/live", always},
    {"/firn/health/ready", is_ready},
    {"/minio/health/live", always},
    {"/minio/health/ready", is_ready},
    {"/minio/health/cluster", has_write_quorum},
});

constexpr std::string_view kMetricsPath = "/firn/metrics";
constexpr std::string_view kBearer = "Bearer ";

bool may_read_metrics(const ServerContext& context, const Fields& headers) {
  if (context.options.metrics_public) return true;
  if (context.options.metrics_token.empty()) return false;
  const auto value = headers[boost::beast::http::field::authorization];
  const std::string_view authorization(value.data(), value.size());
  if (!authorization.starts_with(kBearer)) return false;
  // Hashes have one length, so not even the token's length shows in the time.
  return equal_in_constant_time(sha256(as_bytes(authorization.substr(kBearer.size()))),
                                sha256(as_bytes(context.options.metrics_token)));
}

ServiceReply metrics_reply(const ServerContext& context, const Request& request) {
  ServiceReply answer{.operation = "Metrics", .reply = {}};
  if (!may_read_metrics(context, *request.headers)) {
    answer.reply = context.protocol.error_reply(client_error(Errc::access_denied, "Access Denied"), request);
    return answer;
  }
  answer.reply.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  answer.reply.content = context.metrics.text();
  return answer;
}

}  // namespace

std::optional<ServiceReply> service_reply(const ServerContext& context, const Request& request) {
  if (request.method != Verb::get && request.method != Verb::head) return std::nullopt;
  if (!request.raw_path.starts_with("/firn/") && !request.raw_path.starts_with("/minio/")) return std::nullopt;
  if (request.raw_path == kMetricsPath) return metrics_reply(context, request);
  const auto endpoint = std::find_if(kHealthEndpoints.begin(), kHealthEndpoints.end(),
                                     [&](const HealthEndpoint& known) { return known.path == request.raw_path; });
  if (endpoint == kHealthEndpoints.end()) return std::nullopt;
  ServiceReply answer{.operation = "Health", .reply = {}};
  constexpr unsigned kOk = 200;
  constexpr unsigned kUnavailable = 503;
  answer.reply.status = endpoint->healthy(context.health) ? kOk : kUnavailable;
  return answer;
}

}  // namespace firn::gateway
