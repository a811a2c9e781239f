#include "client/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "fake_cluster.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;
constexpr std::uint64_t kRecordBytes = kMiB + kPageBytes;

/// What writers hold in payload memory, as far as it can be seen from outside.
struct Observed {
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> most{0};
  void add(std::int64_t change) {
    const std::int64_t now = bytes += change;
    std::int64_t before = most.load();
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
  }
};

/// While a window is open, its chunk and the stripe's two parity chunks are in memory.
Task<> write_observed(Client& client, ExtentId id, std::size_t length, Observed& observed) {
  CO_TRY_LET(const auto writer, client.write(id, length, kBucket));
  for (std::size_t sent = 0; sent < length;) {
    CO_TRY_LET(const MutableBytes window, co_await writer->window());
    observed.add(3 * kRecordBytes);
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    observed.add(-3 * static_cast<std::int64_t>(kRecordBytes));
    writer->advance(window.size());
    sent += window.size();
  }
  CO_TRY(co_await writer->finish());
  co_return Unit{};
}

TEST(Admission, KeepsSixtyFourWritersWithinTheBound) {
  constexpr std::uint64_t kBound = 24 * kRecordBytes;
  FakeCluster cluster(
      {.io_threads = 2, .options = {.admission_bytes_max = kBound, .admission_wait = std::chrono::seconds(120)}});
  Observed observed;
  for (std::size_t i = 0; i < cluster.drives(); ++i) {
    cluster.drive(i).on_append_bytes = [&observed](std::int64_t change) { observed.add(change); };
  }
  std::vector<std::future<Result<>>> writers;
  for (std::uint64_t i = 0; i < 64; ++i) {
    writers.push_back(cluster.start(write_observed(cluster.client(), extent_id(i + 1), 8 * kMiB, observed), i % 2));
  }
  for (auto& writer : writers) EXPECT_TRUE(writer.get());
  EXPECT_LE(observed.most.load(), static_cast<std::int64_t>(kBound));
  EXPECT_GT(observed.most.load(), static_cast<std::int64_t>(kBound / 2)) << "and the bound is made use of";
  EXPECT_EQ(observed.bytes.load(), 0);
}

Task<> write_beside_an_idle_upload(Client& client) {
  CO_TRY_LET(const auto idle, client.write(extent_id(1), 8 * kMiB, kBucket));
  CO_TRY(co_await idle->window());
  const auto bytes = some_bytes(8 * kMiB, 1);
  CO_TRY(co_await put_extent(client, extent_id(2), bytes, kMiB));
  co_return Unit{};
}

TEST(Admission, AnswersSlowDownWhenNothingComesFree) {
  FakeCluster cluster(
      {.options = {.admission_bytes_max = 4 * kRecordBytes, .admission_wait = std::chrono::milliseconds(20)}});
  EXPECT_EQ(cluster.run(write_beside_an_idle_upload(cluster.client())).code(), Errc::slow_down);
  EXPECT_TRUE(cluster.put(extent_id(3), some_bytes(8 * kMiB, 1))) << "the idle upload is gone";
}

Task<> hold_until_asked(std::shared_ptr<Admission> admission, std::uint64_t bytes, std::vector<int>& order,
                        int number) {
  CO_TRY_LET(const Admission::Reservation memory, co_await admission->take(bytes, std::chrono::seconds(60)));
  order.push_back(number);
  co_return Unit{};
}

Task<> serve_in_line(Runtime& runtime, std::vector<int>& order) {
  const auto admission = std::make_shared<Admission>(runtime, 100);
  CO_TRY_LET(Admission::Reservation all, co_await admission->take(100, std::chrono::seconds(60)));
  std::vector<std::future<Result<>>> waiting;
  for (int i = 0; i < 4; ++i) {
    // The first wants most: who wants less must not overtake it.
    waiting.push_back(boost::asio::co_spawn(runtime.io(0), hold_until_asked(admission, i == 0 ? 90 : 10, order, i),
                                            boost::asio::use_future));
  }
  co_await boost::asio::post(runtime.io(0), boost::asio::use_awaitable);
  EXPECT_TRUE(order.empty());
  EXPECT_FALSE(admission->try_take(1)) << "nobody passes by the line";
  Admission::Reservation part = all.split(50);
  part.release();
  for (int turn = 0; turn < 10; ++turn) co_await boost::asio::post(runtime.io(0), boost::asio::use_awaitable);
  EXPECT_TRUE(order.empty());
  all.release();
  while (order.size() < 4) co_await boost::asio::post(runtime.io(0), boost::asio::use_awaitable);
  EXPECT_EQ(admission->used_bytes(), 0U);
  co_return Unit{};
}

TEST(Admission, ServesTheLineInOrder) {
  FakeCluster cluster;
  std::vector<int> order;
  ASSERT_TRUE(cluster.run(serve_in_line(cluster.runtime(), order)));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

Task<> take_and_give_back(std::shared_ptr<Admission> admission, std::uint64_t bound, int times) {
  for (int i = 0; i < times; ++i) {
    CO_TRY_LET(const Admission::Reservation memory, co_await admission->take(60, std::chrono::seconds(60)));
    if (admission->used_bytes() > bound) co_return error(Errc::internal, "over the bound");
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
  }
  co_return Unit{};
}

TEST(Admission, WakesWaitersOfOtherThreads) {
  FakeCluster cluster({.io_threads = 3});
  const auto admission = std::make_shared<Admission>(cluster.runtime(), 100);  // One at a time.
  std::vector<std::future<Result<>>> takers;
  for (std::size_t i = 0; i < 9; ++i) takers.push_back(cluster.start(take_and_give_back(admission, 100, 2'000), i % 3));
  for (auto& taker : takers) EXPECT_TRUE(taker.get());
  EXPECT_EQ(admission->used_bytes(), 0U);
}

Task<std::uint64_t> take_too_much(std::shared_ptr<Admission> admission) {
  CO_TRY_LET(const Admission::Reservation memory, co_await admission->take(1'000, std::chrono::seconds(60)));
  co_return memory.bytes();
}

TEST(Admission, CutsARequestLargerThanTheBound) {
  FakeCluster cluster;
  EXPECT_EQ(*cluster.run(take_too_much(std::make_shared<Admission>(cluster.runtime(), 100))), 100U);
}

}  // namespace
}  // namespace firn::volume::testing
