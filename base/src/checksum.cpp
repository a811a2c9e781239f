#include "firn/base/checksum.h"

#include <new>

#include "src/xxh3_kernel.h"

namespace firn {
namespace {

const Xxh3Kernel& choose_kernel() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return kXxh3Avx512;
  if (__builtin_cpu_supports("avx2")) return kXxh3Avx2;
  return kXxh3Sse2;
}

/// A function's static, not a global: hashes asked for before main must find it too. The guard costs one load.
const Xxh3Kernel& kernel() {
  static const Xxh3Kernel& chosen = choose_kernel();
  return chosen;
}

}  // namespace

std::uint64_t xxh3(ByteView bytes, std::uint64_t seed) { return kernel().hash(bytes.data(), bytes.size(), seed); }

struct Xxh3Stream::State {
  alignas(kXxh3StateAlignment) std::array<std::byte, kXxh3StateBytes> xxhash;
};

Xxh3Stream::Xxh3Stream() : state_(new State) { kernel().reset(state_->xxhash.data()); }
Xxh3Stream::~Xxh3Stream() = default;
Xxh3Stream::Xxh3Stream(Xxh3Stream&&) noexcept = default;
Xxh3Stream& Xxh3Stream::operator=(Xxh3Stream&&) noexcept = default;

void Xxh3Stream::update(ByteView bytes) { kernel().update(state_->xxhash.data(), bytes.data(), bytes.size()); }
std::uint64_t Xxh3Stream::digest() const { return kernel().digest(state_->xxhash.data()); }

}  // namespace firn
