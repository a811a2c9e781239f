#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// What the process counts, for Prometheus.
///
/// A metric is registered once and its reference kept: `static Counter& gets = metrics().counter(…)` or a member.
/// Threads: all from anywhere. Counting takes no lock and, up to `kMetricCells` threads, shares no cache line.
namespace firn {

/// Threads count in cells of their own, added up when read. More threads than cells share; the sums stay exact.
inline constexpr std::size_t kMetricCells = 16;
/// Two lines: the prefetcher fetches pairs.
inline constexpr std::size_t kMetricCellAlignment = 128;
/// The calling thread's cell.
std::size_t metric_cell();

/// Only ever rises.
class Counter {
 public:
  void add(std::uint64_t count = 1) { cells_[metric_cell()].value.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const;

 private:
  struct alignas(kMetricCellAlignment) Cell {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Cell, kMetricCells> cells_;
};

/// A level: bytes in use, connections open.
class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// How often a value fell into each bucket: latencies in seconds, sizes in bytes.
class Histogram {
 public:
  /// Upper bounds, rising, each inclusive; what lies above the last is counted too.
  explicit Histogram(std::vector<double> upper_bounds);
  ~Histogram();
  void observe(double value);

  struct Reading {
    std::vector<std::uint64_t> counts;  ///< One per bound and one for what lies above; not cumulative.
    double sum = 0;
  };
  Reading read() const;
  const std::vector<double>& upper_bounds() const { return upper_bounds_; }

 private:
  struct Cell;
  const std::vector<double> upper_bounds_;
  std::unique_ptr<Cell[]> cells_;
};

/// 100 µs to 60 s in some 2.2-fold steps: from a cached GET to a request that timed out.
std::vector<double> latency_bounds_seconds();

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Metrics by name and labels. The same name and labels give the same object; it lives as long as the registry.
/// Labels must come from small fixed sets (operation, drive, status), never from clients: each value is kept for ever.
class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  /// Bounds are the first caller's for all labels of one name.
  Histogram& histogram(const std::string& name, const std::string& help, const MetricLabels& labels,
                       const std::vector<double>& upper_bounds);

  /// All of it in Prometheus's text format, names and labels in order.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The process's own registry, never destroyed.
MetricRegistry& metrics();

}  // namespace firn
