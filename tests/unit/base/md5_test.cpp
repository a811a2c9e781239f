#include "firn/base/md5.h"

#include <gtest/gtest.h>

#include <random>

#include "firn/base/digest.h"
#include "src/md5_kernel.h"

namespace firn {
namespace {

std::vector<std::byte> random_bytes(std::size_t count, std::mt19937_64& random) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(Md5, KnowsTheDigestsOfRfc1321) {
  EXPECT_EQ(to_hex(Md5().finish()), "d41d8cd98f00b204e9800998ecf8427e");
  Md5 letters;
  letters.update(as_bytes(std::string_view("message digest")));
  EXPECT_EQ(to_hex(letters.finish()), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Md5, GivesTheSameSideBySideWhateverTheCountAndTheSizes) {
  std::mt19937_64 random(20261121);
  for (std::size_t count = 1; count <= 2 * kMd5LanesMax + 1; ++count) {
    std::vector<std::vector<std::byte>> bodies;
    std::vector<Md5> digests(count);
    for (std::size_t i = 0; i < count; ++i) bodies.push_back(random_bytes(random() % 3'000, random));
    std::vector<std::size_t> at(count);
    // Each round gives every body a part of its own size, so that blocks begin anywhere.
    for (bool more = true; std::exchange(more, false);) {
      std::vector<Md5Update> updates;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t part = std::min<std::size_t>(bodies[i].size() - at[i], random() % 700);
        updates.push_back({&digests[i], ByteView(bodies[i]).subspan(at[i], part)});
        at[i] += part;
        more = more || at[i] < bodies[i].size();
      }
      update_side_by_side(updates);
    }
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(digests[i].finish(), md5(bodies[i])) << "body " << i << " of " << count;
    }
  }
}

TEST(Md5, CountsBeyondFourGigabits) {
  const std::vector<std::byte> part(64 << 20);
  Md5 together, alone;
  for (int i = 0; i < 9; ++i) {
    Md5 other;
    std::array<Md5Update, 2> updates{{{&together, part}, {&other, part}}};
    update_side_by_side(updates);
    alone.update(part);
  }
  EXPECT_EQ(together.finish(), alone.finish());
}

class Md5Units : public testing::TestWithParam<const Md5Kernel*> {};

TEST_P(Md5Units, AgreeWithOpenSsl) {
  const Md5Kernel& kernel = *GetParam();
  const bool wide = &kernel == &kMd5Avx512 || &kernel == &kMd5Avx512Eight || &kernel == &kMd5Avx512Four;
  if (wide && !__builtin_cpu_supports("avx512vl")) GTEST_SKIP() << "no AVX-512 here";
  if (&kernel == &kMd5Avx2 && !__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no AVX2 here";
  std::mt19937_64 random(7);
  constexpr std::size_t kBlocks = 5;
  std::vector<std::vector<std::byte>> bodies;
  std::array<std::uint32_t[kMd5StateWords], kMd5LanesMax> states;
  std::array<const std::uint8_t*, kMd5LanesMax> data{};
  for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
    // A body with its padding, so that the last state is the digest.
    std::vector<std::byte> body = random_bytes(kBlocks * kMd5BlockBytes - 9, random);
    bodies.push_back(body);
    const std::uint64_t bits = body.size() * 8;
    body.push_back(std::byte{0x80});
    for (int i = 0; i < 8; ++i) body.push_back(static_cast<std::byte>(bits >> (8 * i)));
    bodies.back().swap(body);
    std::ranges::copy(std::array{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U}, states[lane]);
    data[lane] = reinterpret_cast<const std::uint8_t*>(bodies.back().data());
  }
  // Memory that is fetched on the way changes nothing.
  const std::array<const std::uint8_t*, 2> alongside{data[0], data[0]};
  kernel.blocks(states.data(), data.data(), kBlocks, {alongside.data(), alongside.size()});
  for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
    const std::string digest(reinterpret_cast<const char*>(states[lane]), sizeof states[lane]);
    EXPECT_EQ(digest, md5(ByteView(bodies[lane]).first(kBlocks * kMd5BlockBytes - 9))) << "lane " << lane;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Md5Units,
                         testing::Values(&kMd5Scalar, &kMd5Sse2, &kMd5Avx2, &kMd5Avx512Four, &kMd5Avx512Eight,
                                         &kMd5Avx512));

}  // namespace
}  // namespace firn
