// What the byte-bound parts of base and erasure cost on this machine: one line per operation and size.
//   checksum_bench            prints "name, bytes per call, ns per call, GB/s"
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "firn/base/metrics.h"
#include "firn/erasure/codec.h"

namespace firn {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Long enough to even out a timer tick and the first, cold calls.
constexpr std::chrono::milliseconds kPerMeasurement{150};
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

/// Results go here, so that no call is optimised away.
volatile std::uint64_t sink;

void measure(const char* name, std::size_t bytes_per_call, const std::function<void()>& call) {
  call();
  const auto begin = SteadyClock::now();
  std::uint64_t calls = 0;
  auto elapsed = SteadyClock::duration::zero();
  for (std::uint64_t batch = 1; elapsed < kPerMeasurement; batch *= 2) {
    for (std::uint64_t i = 0; i < batch; ++i) call();
    calls += batch;
    elapsed = SteadyClock::now() - begin;
  }
  const double ns = std::chrono::duration<double, std::nano>(elapsed).count() / static_cast<double>(calls);
  std::printf("%-22s %8zu B %12.1f ns %8.2f GB/s\n", name, bytes_per_call, ns,
              static_cast<double>(bytes_per_call) / ns);
}

void measure_checksums(ByteView bytes) {
  const std::size_t count = bytes.size();
  measure("xxh3", count, [&] { sink = xxh3(bytes); });
  measure("crc32", count, [&] { sink = crc32(0, bytes); });
  measure("crc32c", count, [&] { sink = crc32c(0, bytes); });
  measure("crc64nvme", count, [&] { sink = crc64nvme(0, bytes); });
  measure("md5", count, [&] { sink = md5(bytes).size(); });
  measure("sha256", count, [&] { sink = sha256(bytes).size(); });
  measure("hmac_sha256", count, [&] { sink = hmac_sha256("key", as_text(bytes)).size(); });
}

/// Rebuild's bytes are those it writes.
void measure_codec(erasure::Shape shape, std::size_t chunk_bytes) {
  const erasure::Codec codec(shape);
  std::vector<Buffer> memory;
  for (int i = 0; i < shape.total(); ++i) {
    memory.emplace_back(chunk_bytes);
    fill_random(memory.back().span());
  }
  std::vector<MutableBytes> shards;
  for (Buffer& buffer : memory) shards.push_back(buffer.span());
  const std::span<const MutableBytes> parity = std::span<const MutableBytes>(shards).subspan(shape.data);
  std::printf("-- %d+%d\n", shape.data, shape.parity);
  measure("accumulate", chunk_bytes, [&] { codec.accumulate(0, memory[0].view(), parity); });
  const erasure::ShardMask all = (erasure::ShardMask{1} << shape.total()) - 1;
  measure("rebuild one", chunk_bytes, [&] { sink = codec.rebuild(all & ~1U, 1, shards).has_value(); });
  const erasure::ShardMask most = (erasure::ShardMask{1} << shape.parity) - 1;
  measure("rebuild most", chunk_bytes * shape.parity,
          [&] { sink = codec.rebuild(all & ~most, most, shards).has_value(); });
}

void run() {
  Buffer buffer(kChunkBytes);
  fill_random(buffer.span());
  for (const std::size_t count : {std::size_t{64}, std::size_t{4096}, kChunkBytes}) {
    measure_checksums(buffer.view().first(count));
  }
  for (const erasure::Shape shape : {erasure::Shape{4, 2}, erasure::Shape{16, 4}}) {
    for (const std::size_t count : {std::size_t{64}, std::size_t{4096}, kChunkBytes}) measure_codec(shape, count);
  }
  measure("Buffer", kChunkBytes, [] { sink = Buffer(kChunkBytes).capacity(); });
  Counter counter;
  measure("Counter::add", 0, [&] { counter.add(); });
  Histogram histogram(latency_bounds_seconds());
  measure("Histogram::observe", 0, [&] { histogram.observe(0.003); });
}

}  // namespace
}  // namespace firn

int main() { firn::run(); }
