#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>

#include "transport_rig.h"

namespace firn::metadata {
namespace {

constexpr NodeId kTwo{2};

std::string some_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class SnapshotTransfer : public testing::Test {
 protected:
  SnapshotTransfer() : one_(options_of(1)), two_(options_of(2)) {
    one_.know(two_, kTwo);
    contents_ = {{"000007.sst", some_bytes((3 << 20) + 17, 1)},
                 {"000009.sst", some_bytes(1 << 20, 2)},
                 {"CURRENT", "MANIFEST-000005\n"},
                 {"empty", ""}};
    snapshot_ = std::make_shared<MemorySnapshot>(contents_);
    two_.listener().set_snapshot(snapshot_);
  }
  Result<> fetch(MemorySink& sink, const std::string& name = "snapshot") {
    return one_.transport().fetch_snapshot(kTwo, name, sink);
  }
  void expect_whole(const MemorySink& sink) {
    ASSERT_EQ(sink.files.size(), contents_.size());
    for (std::size_t i = 0; i < sink.files.size(); ++i) {
      EXPECT_EQ(sink.contents[i], contents_.at(sink.files[i].name)) << sink.files[i].name;
      EXPECT_EQ(sink.files[i].bytes, sink.contents[i].size());
      EXPECT_EQ(sink.files[i].xxh3, snapshot_->files()[i].xxh3);
    }
  }

  /// From here on read number `number` waits for `go_on_`.
  void hold_read(int number) {
    snapshot_->on_read = [this, number] {
      if (++reads_ != number) return;
      reading_.set_value();
      may_go_on_.wait();
    };
  }

  std::atomic<int> reads_ = 0;
  std::promise<void> reading_;
  std::promise<void> go_on_;
  std::shared_future<void> may_go_on_ = go_on_.get_future().share();
  TransportNode one_;
  TransportNode two_;
  std::map<std::string, std::string> contents_;
  std::shared_ptr<MemorySnapshot> snapshot_;
};

TEST_F(SnapshotTransfer, BringsEveryFileWhole) {
  MemorySink sink;
  const auto fetched = fetch(sink);
  ASSERT_TRUE(fetched) << fetched.error().detail;
  expect_whole(sink);
}

TEST_F(SnapshotTransfer, OfOneThatIsNotThereSaysSo) {
  MemorySink sink;
  EXPECT_EQ(fetch(sink, "another").code(), Errc::not_found);
  EXPECT_TRUE(sink.files.empty());
}

TEST_F(SnapshotTransfer, EndsWithTheFailureOfItsSink) {
  MemorySink sink;
  sink.fail_after_bytes = 2 << 20;
  EXPECT_EQ(fetch(sink).code(), Errc::drive_full);
  MemorySink again;
  ASSERT_TRUE(fetch(again));
  expect_whole(again);
}

TEST_F(SnapshotTransfer, FailsWhenTheOtherNodeDetachesAmidIt) {
  hold_read(2);
  MemorySink sink;
  auto fetched = std::async(std::launch::async, [&] { return fetch(sink); });
  reading_.get_future().wait();
  auto detached = std::async(std::launch::async, [&] { two_.transport().detach(); });
  go_on_.set_value();
  detached.wait();
  const int reads_before = reads_;
  EXPECT_EQ(fetched.get().code(), Errc::drive_unreachable);
  EXPECT_EQ(reads_, reads_before) << "the snapshot was read after detach had returned";
}

TEST_F(SnapshotTransfer, FailsWhenItsOwnNodeDetachesAmidIt) {
  hold_read(2);
  MemorySink sink;
  auto fetched = std::async(std::launch::async, [&] { return fetch(sink); });
  reading_.get_future().wait();
  one_.transport().detach();
  EXPECT_FALSE(fetched.get());
  go_on_.set_value();
}

TEST_F(SnapshotTransfer, OfASilentPeerIsGivenUp) {
  auto options = options_of(3);
  options.silence_max = std::chrono::milliseconds(300);
  TransportNode three(options);
  three.know(two_, kTwo);
  hold_read(1);
  MemorySink sink;
  EXPECT_FALSE(three.transport().fetch_snapshot(kTwo, "snapshot", sink));
  go_on_.set_value();
}

}  // namespace
}  // namespace firn::metadata
