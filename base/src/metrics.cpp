#include "firn/base/metrics.h"

#include <prometheus/check_names.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <type_traits>
#include <variant>

#include "firn/base/assert.h"

namespace firn {
namespace {

std::atomic<std::size_t> next_cell{0};

using Metric = std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>;

constexpr std::array kTypes = {prometheus::MetricType::Counter, prometheus::MetricType::Gauge,
                               prometheus::MetricType::Histogram};

struct Family {
  std::string help;
  std::size_t kind = 0;  // The alternative of Metric that all of its members hold.
  std::vector<double> upper_bounds;
  std::map<MetricLabels, Metric> members;
};

prometheus::ClientMetric collect(const Counter& counter) {
  prometheus::ClientMetric out;
  out.counter.value = static_cast<double>(counter.value());
  return out;
}

prometheus::ClientMetric collect(const Gauge& gauge) {
  prometheus::ClientMetric out;
  out.gauge.value = static_cast<double>(gauge.value());
  return out;
}

prometheus::ClientMetric collect(const Histogram& histogram) {
  const Histogram::Reading reading = histogram.read();
  prometheus::ClientMetric out;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < reading.counts.size(); ++i) {
    cumulative += reading.counts[i];
    const double bound =
        i < histogram.upper_bounds().size() ? histogram.upper_bounds()[i] : std::numeric_limits<double>::infinity();
    out.histogram.bucket.push_back({cumulative, bound});
  }
  out.histogram.sample_count = cumulative;
  out.histogram.sample_sum = reading.sum;
  return out;
}

}  // namespace

std::size_t metric_cell() {
  thread_local const std::size_t cell = next_cell.fetch_add(1, std::memory_order_relaxed) % kMetricCells;
  return cell;
}

std::uint64_t Counter::value() const {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

struct alignas(kMetricCellAlignment) Histogram::Cell {
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts;
  std::atomic<double> sum{0};
};

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)), cells_(std::make_unique<Cell[]>(kMetricCells)) {
  FIRN_ASSERT(std::is_sorted(upper_bounds_.begin(), upper_bounds_.end(), std::less_equal<>()));
  for (std::size_t i = 0; i < kMetricCells; ++i) {
    cells_[i].counts = std::make_unique<std::atomic<std::uint64_t>[]>(upper_bounds_.size() + 1);
  }
}

Histogram::~Histogram() = default;

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  Cell& cell = cells_[metric_cell()];
  cell.counts[static_cast<std::size_t>(bound - upper_bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  cell.sum.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Reading Histogram::read() const {
  Reading reading;
  reading.counts.resize(upper_bounds_.size() + 1);
  for (std::size_t i = 0; i < kMetricCells; ++i) {
    for (std::size_t j = 0; j < reading.counts.size(); ++j) {
      reading.counts[j] += cells_[i].counts[j].load(std::memory_order_relaxed);
    }
    reading.sum += cells_[i].sum.load(std::memory_order_relaxed);
  }
  return reading;
}

std::vector<double> latency_bounds_seconds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

struct MetricRegistry::State final : prometheus::Collectable {
  mutable std::mutex mutex;
  std::map<std::string, Family> families;

  template <class M>
  M& find(const std::string& name, const std::string& help, MetricLabels labels, const std::vector<double>& bounds) {
    constexpr std::size_t kKind = std::is_same_v<M, Counter> ? 0 : std::is_same_v<M, Gauge> ? 1 : 2;
    static_assert(std::is_same_v<std::variant_alternative_t<kKind, Metric>, std::unique_ptr<M>>);
    std::sort(labels.begin(), labels.end());
    const std::lock_guard lock(mutex);
    auto [family, fresh] = families.try_emplace(name);
    if (fresh) {
      FIRN_ASSERT(prometheus::CheckMetricName(name));
      family->second.help = help;
      family->second.kind = kKind;
      family->second.upper_bounds = bounds;
    }
    FIRN_ASSERT(family->second.kind == kKind);
    auto member = family->second.members.find(labels);
    if (member == family->second.members.end()) {
      for (const auto& label : labels) FIRN_ASSERT(prometheus::CheckLabelName(label.first));
      std::unique_ptr<M> made;
      if constexpr (std::is_same_v<M, Histogram>) {
        made = std::make_unique<M>(family->second.upper_bounds);
      } else {
        made = std::make_unique<M>();
      }
      member = family->second.members.emplace(std::move(labels), std::move(made)).first;
    }
    return *std::get<kKind>(member->second);
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex);
    std::vector<prometheus::MetricFamily> out;
    for (const auto& [name, family] : families) {
      prometheus::MetricFamily& written = out.emplace_back();
      written.name = name;
      written.help = family.help;
      written.type = kTypes[family.kind];
      for (const auto& [labels, metric] : family.members) {
        auto& sample = written.metric.emplace_back(std::visit([](const auto& held) { return collect(*held); }, metric));
        for (const auto& [label, value] : labels) sample.label.push_back({label, value});
      }
    }
    return out;
  }
};

MetricRegistry::MetricRegistry() : state_(std::make_unique<State>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter& MetricRegistry::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return state_->find<Counter>(name, help, labels, {});
}

Gauge& MetricRegistry::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return state_->find<Gauge>(name, help, labels, {});
}

Histogram& MetricRegistry::histogram(const std::string& name, const std::string& help, const MetricLabels& labels,
                                     const std::vector<double>& upper_bounds) {
  return state_->find<Histogram>(name, help, labels, upper_bounds);
}

std::string MetricRegistry::text() const { return prometheus::TextSerializer().Serialize(state_->Collect()); }

MetricRegistry& metrics() {
  static MetricRegistry& registry = *new MetricRegistry;
  return registry;
}

}  // namespace firn
