#include "firn/base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace firn {
namespace {

bool page_aligned(const Buffer& buffer) { return reinterpret_cast<std::uintptr_t>(buffer.data()) % kPageBytes == 0; }

TEST(Buffer, IsPageAlignedWithWholePagesOfCapacity) {
  for (const std::size_t size_bytes : {1U, 4095U, 4096U, 4097U, (1U << 20) + 4096}) {
    Buffer buffer(size_bytes);
    EXPECT_TRUE(page_aligned(buffer));
    EXPECT_EQ(buffer.size(), size_bytes);
    EXPECT_EQ(buffer.capacity(), round_up_to_page(size_bytes));
    std::memset(buffer.data(), 0x5A, buffer.capacity());
  }
}

TEST(Buffer, OfNoBytesHasNoMemory) {
  const Buffer none;
  const Buffer empty(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(empty.data(), nullptr);
  EXPECT_TRUE(empty.empty());
  EXPECT_TRUE(empty.view().empty());
}

TEST(Buffer, MovesItsMemoryAndLeavesNothingBehind) {
  Buffer first(100);
  const std::byte* memory = first.data();
  Buffer second(std::move(first));
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(first.size(), 0U);
  Buffer third(10);
  third = std::move(second);
  EXPECT_EQ(third.data(), memory);
  EXPECT_EQ(third.size(), 100U);
}

TEST(Buffer, ResizesWithinItsCapacity) {
  Buffer buffer(10);
  buffer.data()[0] = std::byte{7};
  buffer.resize(kPageBytes);
  EXPECT_EQ(buffer.size(), kPageBytes);
  EXPECT_EQ(buffer.view()[0], std::byte{7});
  buffer.resize(0);
  EXPECT_TRUE(buffer.empty());
}

TEST(BufferDeathTest, StopsOnAResizeBeyondItsCapacity) {
  Buffer buffer(10);
  EXPECT_DEATH(buffer.resize(kPageBytes + 1), "assertion failed");
}

TEST(BufferCache, StaysWithinItsBoundWhateverIsReleased) {
  for (const std::size_t size_bytes : {kPageBytes, std::size_t{1} << 20, (std::size_t{1} << 20) + kPageBytes,
                                       Buffer::kCachedBytesMax, Buffer::kCachedBytesMax + kPageBytes}) {
    std::vector<Buffer> live;
    for (int i = 0; i < 40; ++i) live.emplace_back(size_bytes);
    live.clear();
    EXPECT_LE(Buffer::cached_bytes(), Buffer::kCachedBytesMax);
  }
}

TEST(BufferCache, HandsEveryLiveBufferMemoryOfItsOwn) {
  std::vector<Buffer> live;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 8; ++i) {
      live.emplace_back(kPageBytes * static_cast<std::size_t>(1 + i % 3));
      std::memset(live.back().data(), static_cast<int>(live.size()), live.back().size());
    }
    for (std::size_t i = 0; i < live.size(); ++i) {
      EXPECT_EQ(live[i].view().front(), static_cast<std::byte>(i + 1));
      EXPECT_EQ(live[i].view().back(), static_cast<std::byte>(i + 1));
    }
    live.resize(live.size() / 2);
    for (std::size_t i = 0; i < live.size(); ++i) std::memset(live[i].data(), static_cast<int>(i + 1), live[i].size());
  }
}

#if !defined(__SANITIZE_ADDRESS__)  // There every buffer goes back to malloc, whose quarantine finds a late use.
TEST(BufferCache, GivesAReleasedBufferToTheNextOfItsSize) {
  Buffer first(3 * kPageBytes);
  const std::byte* memory = first.data();
  {
    const Buffer released = std::move(first);
  }
  EXPECT_NE(Buffer(2 * kPageBytes).data(), memory);
  EXPECT_EQ(Buffer(3 * kPageBytes - 1).data(), memory);
}
#endif

#if !defined(__SANITIZE_ADDRESS__)
/// One byte after the buffer's last.
const std::byte* end_of(const Buffer& buffer) { return buffer.data() + buffer.capacity(); }

std::vector<Buffer> take_until_one_lies_elsewhere(std::size_t size_bytes) {
  std::vector<Buffer> taken;
  do {
    taken.emplace_back(size_bytes);
  } while (Buffer::region_of(taken.back().data()));
  return taken;
}

TEST(BufferRegions, HoldLargeBuffersEachWithinOne) {
  std::vector<Buffer> taken = take_until_one_lies_elsewhere((std::size_t{1} << 20) + kPageBytes);
  taken.pop_back();
  EXPECT_GT(taken.size(), Buffer::kRegions * 8);
  std::ranges::sort(taken, {}, [](const Buffer& buffer) { return buffer.data(); });
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const auto region = Buffer::region_of(taken[i].data());
    ASSERT_TRUE(region);
    EXPECT_EQ(region, Buffer::region_of(end_of(taken[i]) - 1));
    EXPECT_GE(taken[i].data(), Buffer::region(*region).data());
    EXPECT_TRUE(i == 0 || end_of(taken[i - 1]) <= taken[i].data());
  }
  EXPECT_FALSE(Buffer::region_of(Buffer(kPageBytes).data()));
}

/// What this thread keeps for its next buffers is small afterwards, so in no region.
void give_back_what_is_kept() {
  std::vector<Buffer> small;
  for (int i = 0; i < 100; ++i) small.emplace_back(kPageBytes);
}

TEST(BufferRegions, JoinWhatIsGivenBackIntoOneRun) {
  for (const std::size_t pages : {16, 17, 257, 1000}) {
    std::vector<Buffer> taken = take_until_one_lies_elsewhere(pages * kPageBytes);
    for (std::size_t i = 0; i < taken.size(); i += 2) taken[i] = Buffer();
    taken.clear();
    give_back_what_is_kept();
    EXPECT_EQ(take_until_one_lies_elsewhere(Buffer::kRegionBytes).size() - 1, Buffer::kRegions) << pages;
  }
}

TEST(BufferRegions, GiveWhatHasNoRoomFromElsewhere) {
  std::vector<Buffer> taken = take_until_one_lies_elsewhere(Buffer::kRegionBytes);
  std::memset(taken.back().data(), 1, taken.back().size());
  EXPECT_FALSE(Buffer::region_of(Buffer(Buffer::kRegionBytes + kPageBytes).data()));
}
#endif

TEST(BufferCache, TakesBuffersMadeOnAnotherThread) {
  std::vector<Buffer> made;
  std::thread([&made] {
    for (int i = 0; i < 20; ++i) made.emplace_back(kPageBytes);
  }).join();
  made.clear();
  std::thread([] { EXPECT_EQ(Buffer::cached_bytes(), 0U); }).join();
  EXPECT_LE(Buffer::cached_bytes(), Buffer::kCachedBytesMax);
}

/// Thread-local objects end in the reverse order of their making: this one is made before the cache, so ends after it.
struct OutlivesTheCache {
  ~OutlivesTheCache() {
    // Taken from an ended cache, these would be memory that was freed already.
    const Buffer first(kPageBytes);
    const Buffer second(kPageBytes);
  }
  Buffer buffer;
};
thread_local OutlivesTheCache outlives_the_cache;

TEST(BufferCache, LetsBuffersBeMadeAndEndAfterTheCacheOfTheirThread) {
  std::thread([] {
    outlives_the_cache.buffer = Buffer();
    {
      const Buffer first(kPageBytes);
      const Buffer second(kPageBytes);
    }
    EXPECT_TRUE(outlives_the_cache.buffer.empty());
    outlives_the_cache.buffer = Buffer(2 * kPageBytes);
  }).join();
}

TEST(Pages, RoundUpToWholeOnes) {
  EXPECT_EQ(round_up_to_page(0), 0U);
  EXPECT_EQ(round_up_to_page(1), 4096U);
  EXPECT_EQ(round_up_to_page(4096), 4096U);
  EXPECT_EQ(round_up_to_page(4097), 8192U);
}

TEST(Bytes, AndTextAreTwoViewsOfTheSame) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(as_bytes(text).size(), 3U);
  EXPECT_EQ(as_text(as_bytes(text)), text);
}

}  // namespace
}  // namespace firn
