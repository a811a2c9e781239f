// OpenSSL's own MD5 context is what lanes start from and come back to: its words are public, and it does what begins or
// ends within a block. Those calls are deprecated in favour of EVP, which hides the words.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "firn/base/md5.h"

#include <openssl/md5.h>

#include <algorithm>
#include <array>
#include <vector>

#include "firn/base/assert.h"
#include "src/md5_kernel.h"

namespace firn {
namespace {

/// Of this machine, the widest first.
std::vector<const Md5Kernel*> choose_kernels() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return {&kMd5Avx512, &kMd5Avx512Eight, &kMd5Avx512Four, &kMd5Scalar};
  }
  if (__builtin_cpu_supports("avx2")) return {&kMd5Avx2, &kMd5Scalar};
  return {&kMd5Sse2, &kMd5Scalar};
}

}  // namespace

struct Md5::State {
  State() { FIRN_ASSERT(MD5_Init(&context) == 1); }
  void update(ByteView bytes) { FIRN_ASSERT(MD5_Update(&context, bytes.data(), bytes.size()) == 1); }
  /// Bytes until the next one begins a block.
  std::size_t until_block() const { return (kMd5BlockBytes - context.num) % kMd5BlockBytes; }
  void count(std::uint64_t bytes) {
    const std::uint64_t bits = (std::uint64_t{context.Nh} << 32 | context.Nl) + bytes * 8;
    context.Nl = static_cast<MD5_LONG>(bits);
    context.Nh = static_cast<MD5_LONG>(bits >> 32);
  }
  MD5_CTX context;
};

Md5::Md5() : state_(std::make_unique<State>()) {}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::update(ByteView bytes) { state_->update(bytes); }

std::string Md5::finish() {
  std::array<unsigned char, MD5_DIGEST_LENGTH> raw;
  FIRN_ASSERT(MD5_Final(raw.data(), &state_->context) == 1);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

/// One call's lanes: the longest runs first, until too few are left to be worth it.
class Md5Lanes {
 public:
  explicit Md5Lanes(std::span<const Md5Kernel* const> kernels) : kernels_(kernels) {}

  void add(const Md5Update& update) {
    Md5::State& state = *update.digest->state_;
    const ByteView before = update.bytes.first(std::min(update.bytes.size(), state.until_block()));
    state.update(before);
    lanes_.push_back({&state, update.bytes.subspan(before.size()), update.alongside});
  }

  void run() {
    while (step()) {
    }
    for (const Lane& lane : lanes_) lane.state->update(lane.bytes);
  }

 private:
  struct Lane {
    Md5::State* state;
    ByteView bytes;
    Alongside alongside;
    std::size_t blocks() const { return bytes.size() / kMd5BlockBytes; }
  };

  /// Hashes as many blocks of the longest runs as the shortest of them has.
  bool step() {
    std::ranges::sort(lanes_, std::greater(), &Lane::blocks);
    const auto idle = std::ranges::find(lanes_, std::size_t{0}, &Lane::blocks);
    const auto busy = static_cast<std::size_t>(idle - lanes_.begin());
    const auto chosen = std::ranges::find_if(kernels_, [&](const Md5Kernel* k) { return busy >= k->worth_from; });
    if (chosen == kernels_.end()) return false;
    const Md5Kernel& kernel = **chosen;
    const std::size_t used = std::min(kernel.lanes, busy);
    const std::size_t blocks = lanes_[used - 1].blocks();
    std::array<std::uint32_t[kMd5StateWords], kMd5LanesMax> words{};
    std::array<const std::uint8_t*, kMd5LanesMax> data;
    for (std::size_t i = 0; i < kernel.lanes; ++i) {
      const Lane& lane = lanes_[i < used ? i : 0];  // Lanes to spare repeat the first; nobody reads what they give.
      const MD5_CTX& context = lane.state->context;
      std::ranges::copy(std::array{context.A, context.B, context.C, context.D}, words[i]);
      data[i] = reinterpret_cast<const std::uint8_t*>(lane.bytes.data());
    }
    kernel.blocks(words.data(), data.data(), blocks, fetched_alongside(lanes_.front().alongside));
    for (std::size_t i = 0; i < used; ++i) {
      Lane& lane = lanes_[i];
      MD5_CTX& context = lane.state->context;
      context.A = words[i][0], context.B = words[i][1], context.C = words[i][2], context.D = words[i][3];
      lane.state->count(blocks * kMd5BlockBytes);
      lane.bytes = lane.bytes.subspan(blocks * kMd5BlockBytes);
    }
    return true;
  }

  Md5Alongside fetched_alongside(Alongside memory) {
    const std::size_t count = std::min(memory.size(), alongside_.size());
    for (std::size_t i = 0; i < count; ++i) alongside_[i] = reinterpret_cast<const std::uint8_t*>(memory[i]);
    return {alongside_.data(), count};
  }

  const std::span<const Md5Kernel* const> kernels_;  // The widest first.
  std::array<const std::uint8_t*, 8> alongside_{};   // What there is no room for is not fetched.
  std::vector<Lane> lanes_;
};

void update_side_by_side(std::span<Md5Update> updates) {
  static const std::vector<const Md5Kernel*> kernels = choose_kernels();
  Md5Lanes lanes(kernels);
  for (const Md5Update& update : updates) lanes.add(update);
  lanes.run();
}

}  // namespace firn
