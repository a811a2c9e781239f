#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "firn/base/metrics.h"

namespace firn::gateway {

/// What is counted per request, by operation.
///
/// Threads: any io thread. Memory: one row per operation name, made at its first request.
class RequestMetrics {
 public:
  explicit RequestMetrics(MetricRegistry& registry);

  struct Outcome {
    std::string_view operation;  ///< As S3 spells it; lives for ever.
    unsigned status = 200;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::chrono::nanoseconds duration{0};
  };
  void count(const Outcome& outcome);

  Gauge& connections() { return connections_; }
  Counter& refused_connections() { return refused_connections_; }
  Counter& malformed_requests() { return malformed_requests_; }
  std::string text() const { return registry_.text(); }

 private:
  struct Row;
  Row& row(std::string_view operation);

  const std::uint64_t id_;  ///< Unique in this process: what threads cache their rows under.
  MetricRegistry& registry_;
  Counter& received_bytes_;
  Counter& sent_bytes_;
  Gauge& connections_;
  Counter& refused_connections_;
  Counter& malformed_requests_;
};

}  // namespace firn::gateway
