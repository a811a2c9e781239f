#include "http/request_metrics.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

namespace firn::gateway {
namespace {

constexpr std::size_t kStatusClasses = 5;  // 1xx to 5xx

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

struct RequestMetrics::Row {
  Row(MetricRegistry& registry, std::string_view operation)
      : duration(registry.histogram("firn_s3_request_seconds", "Time from the end of a request's head to its last byte",
                                    {{"operation", std::string(operation)}}, latency_bounds_seconds())) {
    for (std::size_t i = 0; i < kStatusClasses; ++i) {
      requests[i] =
          &registry.counter("firn_s3_requests_total", "Requests answered",
                            {{"operation", std::string(operation)}, {"status", std::to_string(i + 1) + "xx"}});
    }
  }
  std::array<Counter*, kStatusClasses> requests{};
  Histogram& duration;
};

RequestMetrics::RequestMetrics(MetricRegistry& registry)
    : id_(next_id()),
      registry_(registry),
      received_bytes_(registry.counter("firn_s3_received_bytes_total", "Bytes of request bodies as sent")),
      sent_bytes_(registry.counter("firn_s3_sent_bytes_total", "Bytes of response bodies")),
      connections_(registry.gauge("firn_http_connections", "Client connections open")),
      refused_connections_(registry.counter("firn_http_connections_refused_total", "Connections beyond the limit")),
      malformed_requests_(registry.counter("firn_http_malformed_requests_total", "Requests that were not HTTP")) {}

RequestMetrics::Row& RequestMetrics::row(std::string_view operation) {
  // Per thread, so that the look-up takes no lock; the metrics behind the rows are the registry's, the same for all.
  struct Key {
    std::uint64_t owner;
    const char* operation;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>{}(key.operation) ^ key.owner * 0x9E3779B97F4A7C15ULL;
    }
  };
  thread_local std::unordered_map<Key, std::unique_ptr<Row>, Hash> rows;
  std::unique_ptr<Row>& found = rows[Key{id_, operation.data()}];
  if (!found) found = std::make_unique<Row>(registry_, operation);
  return *found;
}

void RequestMetrics::count(const Outcome& outcome) {
  Row& counted = row(outcome.operation);
  const std::size_t status_class = outcome.status / 100;
  if (status_class >= 1 && status_class <= kStatusClasses) counted.requests[status_class - 1]->add();
  counted.duration.observe(std::chrono::duration<double>(outcome.duration).count());
  if (outcome.received_bytes > 0) received_bytes_.add(outcome.received_bytes);
  if (outcome.sent_bytes > 0) sent_bytes_.add(outcome.sent_bytes);
}

}  // namespace firn::gateway
