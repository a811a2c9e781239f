#include "firn/base/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace firn {
namespace {

/// Runs `work` on more threads than there are cells.
template <class Work>
void on_many_threads(Work work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kMetricCells + 4; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
}
constexpr std::uint64_t kThreads = kMetricCells + 4;

TEST(Counter, AddsUpWhatAllThreadsCounted) {
  Counter counter;
  on_many_threads([&counter] {
    for (int i = 0; i < 1000; ++i) counter.add();
    counter.add(500);
  });
  EXPECT_EQ(counter.value(), kThreads * 1500);
}

TEST(Gauge, RisesAndFalls) {
  Gauge gauge;
  gauge.set(10);
  gauge.add(-15);
  EXPECT_EQ(gauge.value(), -5);
}

TEST(Histogram, PutsEachValueUnderTheFirstBoundThatHoldsIt) {
  Histogram histogram({1, 2, 4});
  for (const double value : {0.5, 1.0, 1.5, 4.0, 4.5, 100.0}) histogram.observe(value);
  const auto reading = histogram.read();
  EXPECT_EQ(reading.counts, (std::vector<std::uint64_t>{2, 1, 1, 2}));
  EXPECT_DOUBLE_EQ(reading.sum, 111.5);
}

TEST(Histogram, LosesNoValueOfAnyThread) {
  Histogram histogram({1, 2});
  on_many_threads([&histogram] {
    for (int i = 0; i < 1000; ++i) histogram.observe(2);
  });
  const auto reading = histogram.read();
  EXPECT_EQ(reading.counts, (std::vector<std::uint64_t>{0, kThreads * 1000, 0}));
  EXPECT_DOUBLE_EQ(reading.sum, static_cast<double>(kThreads) * 2000);
}

TEST(HistogramDeathTest, StopsOnBoundsThatDoNotRise) {
  EXPECT_DEATH(Histogram({2, 1}), "assertion failed");
  EXPECT_DEATH(Histogram({1, 1}), "assertion failed");
}

TEST(MetricRegistry, GivesTheSameMetricForTheSameNameAndLabels) {
  MetricRegistry registry;
  Counter& counter =
      registry.counter("firn_requests_total", "Requests.", {{"operation", "GetObject"}, {"code", "200"}});
  EXPECT_EQ(&counter,
            &registry.counter("firn_requests_total", "Requests.", {{"code", "200"}, {"operation", "GetObject"}}));
  EXPECT_NE(&counter, &registry.counter("firn_requests_total", "Requests.", {{"operation", "PutObject"}}));
}

TEST(MetricRegistry, WritesPrometheusText) {
  MetricRegistry registry;
  registry.counter("firn_requests_total", "Requests served.", {{"operation", "GetObject"}}).add(3);
  registry.counter("firn_requests_total", "Requests served.", {{"operation", "PutObject"}}).add(1);
  registry.gauge("firn_connections", "Connections open.").set(7);
  auto& seconds = registry.histogram("firn_request_seconds", "Time to the last byte.", {}, {0.5, 1});
  seconds.observe(0.25);
  seconds.observe(2);
  EXPECT_EQ(registry.text(),
            "# HELP firn_connections Connections open.\n"
            "# TYPE firn_connections gauge\n"
            "firn_connections 7\n"
            "# HELP firn_request_seconds Time to the last byte.\n"
            "# TYPE firn_request_seconds histogram\n"
            "firn_request_seconds_count 2\n"
            "firn_request_seconds_sum 2.25\n"
            "firn_request_seconds_bucket{le=\"0.5\"} 1\n"
            "firn_request_seconds_bucket{le=\"1\"} 1\n"
            "firn_request_seconds_bucket{le=\"+Inf\"} 2\n"
            "# HELP firn_requests_total Requests served.\n"
            "# TYPE firn_requests_total counter\n"
            "firn_requests_total{operation=\"GetObject\"} 3\n"
            "firn_requests_total{operation=\"PutObject\"} 1\n");
}

TEST(MetricRegistry, MayBeReadWhileMetricsAreMadeAndCounted) {
  MetricRegistry registry;
  on_many_threads([&registry] {
    for (int i = 0; i < 50; ++i) {
      registry.counter("firn_test_total", "Test.", {{"kind", std::to_string(i)}}).add();
      if (i % 10 == 0) (void)registry.text();
    }
  });
  EXPECT_EQ(registry.counter("firn_test_total", "Test.", {{"kind", "49"}}).value(), kThreads);
}

TEST(MetricRegistryDeathTest, StopsOnOneNameForTwoKindsAndOnBadNames) {
  MetricRegistry registry;
  registry.counter("firn_things_total", "Things.");
  EXPECT_DEATH(registry.gauge("firn_things_total", "Things."), "assertion failed");
  EXPECT_DEATH(registry.counter("firn things", "Things."), "assertion failed");
  EXPECT_DEATH(registry.counter("firn_things_total", "Things.", {{"a-b", "c"}}), "assertion failed");
}

TEST(Metrics, AreOneRegistryForTheProcess) { EXPECT_EQ(&metrics(), &metrics()); }

}  // namespace
}  // namespace firn
