#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <future>
#include <random>

#include "firn/base/digest.h"
#include "remote_rig.h"
#include "wire/handshake.h"
#include "wire/messages.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kSmall = 8 << 10;

/// The reason the peer is not reached, once there is one that names `part`.
bool is_refused_for(RemoteRig& rig, const std::string& part) {
  return rig.eventually([&] { return rig.client().status().at(0).why_not.find(part) != std::string::npos; });
}

TEST(RemotePeer, WithAnotherKeyIsRefusedAndToldWhy) {
  auto options = RemoteRig::defaults();
  options.client.identity.key = "another key for tests";
  RemoteRig rig(options);
  EXPECT_TRUE(is_refused_for(rig, "different cluster keys"));
  EXPECT_FALSE(rig.is_reachable());
  EXPECT_EQ(rig.openings(), 0U);
}

TEST(RemotePeer, OfAnotherClusterIsRefusedAndToldWhy) {
  auto options = RemoteRig::defaults();
  options.client.identity.cluster.bytes.fill(0xEE);
  RemoteRig rig(options);
  EXPECT_TRUE(is_refused_for(rig, "not of eeeeeeee"));
}

TEST(RemotePeer, ThatIsAnotherNodeThanMeantIsNotUsed) {
  auto options = RemoteRig::defaults();
  options.server.identity.node = NodeId{3};
  RemoteRig rig(options);
  EXPECT_TRUE(is_refused_for(rig, "this is node 3, not node 2"));
}

TEST(RemotePeer, MayNotHaveAShortKey) {
  Runtime runtime(1);
  RemoteDrives::Options options;
  options.identity.key = "short";
  EXPECT_EQ(RemoteDrives::make(runtime, options, {}).code(), Errc::invalid_argument);
  ShardServer::Options server;
  server.identity.key = "short";
  EXPECT_EQ(ShardServer::start(runtime, server).code(), Errc::invalid_argument);
}

TEST(RemotePeer, ThatIsNotThereIsUnreachableAndNothingElse) {
  RemoteRig rig;
  const auto drive = rig.drive();
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  ASSERT_TRUE(rig.at_server().run(rig.server().stop()));
  ASSERT_TRUE(rig.eventually([&] { return !rig.is_reachable(); }));
  EXPECT_FALSE(rig.client().status().at(0).gone) << "what is between still takes connections, and ends them";
  Buffer memory;
  EXPECT_EQ(rig.run(drive->append(test_append(key_of(2), kSmall, memory))).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->read(key_of(1), {0, kSmall})).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->sync()).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->list({}, 10)).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->usage()).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->raise_epoch(SetId{1}, SetEpoch{1})).code(), Errc::drive_unreachable);
  std::vector<ExtentId> extents{key_of(1).extent};
  EXPECT_EQ(rig.run(drive->remove(extents)).code(), Errc::drive_unreachable);
}

TEST(RemotePeer, LostAmidAnAppendAnswersUnreachableAndIsReachedAgain) {
  RemoteRig rig;
  const auto drive = rig.drive();
  rig.held().hold(true);
  Buffer memory;
  auto append = rig.begin(drive->append(test_append(key_of(1), kSmall, memory)));
  ASSERT_TRUE(rig.eventually([&] { return rig.held().waiting() == 1; }));
  rig.relay().cut();
  EXPECT_EQ(append.get().code(), Errc::drive_unreachable);
  rig.held().hold(false);
  ASSERT_TRUE(rig.eventually([&] { return bool(rig.append(key_of(2), kSmall)); }));
  EXPECT_TRUE(rig.check(key_of(2), kSmall));
  EXPECT_EQ(rig.openings(), 1U) << "it is the same opening of the drive";
}

TEST(RemotePeer, LostAtAnyPlaceOfAFrameLeavesNoRecordThatWasNotSent) {
  RemoteRig rig;
  const auto drive = rig.drive();
  std::mt19937_64 random(test_seed());
  constexpr std::uint64_t kCuts = 60;
  for (std::uint64_t i = 0; i < kCuts; ++i) {
    ASSERT_TRUE(rig.eventually([&] { return bool(rig.run(drive->usage())); }));
    // The frame's head, the header page and the blocks: some cuts lie in each.
    const std::int64_t whole = 96 + kPageBytes + kSmall;
    rig.relay().cut_after(static_cast<std::int64_t>(1 + random() % static_cast<std::uint64_t>(whole - 1)));
    Buffer memory;
    EXPECT_EQ(rig.run(drive->append(test_append(key_of(i), kSmall, memory))).code(), Errc::drive_unreachable) << i;
  }
  ASSERT_TRUE(rig.eventually([&] { return bool(rig.run(drive->sync())); }));
  const auto rows = rig.run(drive->list({}, kCuts));
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
}

TEST(RemotePeer, ThatFallsSilentIsTakenForLost) {
  auto options = RemoteRig::defaults();
  options.client.silence_max = std::chrono::milliseconds(1500);
  RemoteRig rig(options);
  const auto drive = rig.drive();
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  rig.relay().freeze();
  // Over either connection: the watching one, and one that is heard only when it is asked something.
  EXPECT_EQ(rig.run(drive->read(key_of(1), {0, kSmall}), 0).code(), Errc::drive_unreachable);
  EXPECT_EQ(rig.run(drive->read(key_of(1), {0, kSmall}), 1).code(), Errc::drive_unreachable);
  EXPECT_TRUE(rig.eventually([&] { return !rig.is_reachable(); }));
  EXPECT_TRUE(rig.client().status().at(0).gone);
  rig.relay().thaw();
  EXPECT_TRUE(rig.eventually([&] { return bool(rig.check(key_of(1), kSmall)); }));
  EXPECT_TRUE(rig.eventually([&] { return !rig.client().status().at(0).gone; }));
}

TEST(RemotePeer, WhosePortNobodyListensAtIsGoneAtOnce) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor taken(io, {boost::asio::ip::address_v4::loopback(), 0});
  const auto port = taken.local_endpoint().port();
  taken.close();
  RemoteRig rig;
  rig.client().add({NodeId{9}, "127.0.0.1", port});
  EXPECT_TRUE(rig.eventually([&] {
    const auto peers = rig.client().status();
    return std::ranges::any_of(peers, [](const auto& peer) { return peer.node == NodeId{9} && peer.gone; });
  }));
}

TEST(RemotePeer, WithASlowDriveIsNotTakenForLost) {
  auto options = RemoteRig::defaults();
  options.client.silence_max = std::chrono::milliseconds(1500);
  RemoteRig rig(options);
  const auto drive = rig.drive();
  rig.held().hold(true);
  Buffer memory;
  auto append = rig.begin(drive->append(test_append(key_of(1), kSmall, memory)));
  ASSERT_TRUE(rig.eventually([&] { return rig.held().waiting() == 1; }));
  // Nothing but the time itself: twice the silence that is suffered.
  EXPECT_EQ(append.wait_for(2 * options.client.silence_max), std::future_status::timeout);
  EXPECT_TRUE(rig.is_reachable());
  rig.held().hold(false);
  EXPECT_TRUE(append.get());
}

TEST(RemotePeer, ThatNeverAnswersOneRequestFailsThatOneAlone) {
  auto options = RemoteRig::defaults();
  options.client.answer_timeout = std::chrono::milliseconds(200);
  RemoteRig rig(options);
  const auto drive = rig.drive();
  rig.held().hold(true);
  Buffer memory;
  EXPECT_EQ(rig.run(drive->append(test_append(key_of(1), kSmall, memory))).code(), Errc::drive_unreachable);
  EXPECT_TRUE(rig.is_reachable());
  rig.held().hold(false);
  // Its answer comes in the end, and is nobody else's.
  ASSERT_TRUE(rig.eventually([&] { return bool(rig.check(key_of(1), kSmall)); }));
  EXPECT_EQ(rig.run(drive->read(key_of(2), {0, 0})).code(), Errc::not_found);
}

TEST(RemotePeer, ThatOpenedItsDriveAgainDoesNotAnswerForWhatWasAppendedBefore) {
  RemoteRig rig;
  const auto before = rig.drive();
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  rig.server().withdraw(DriveIndex{1});
  EXPECT_EQ(rig.run(before->sync()).code(), Errc::drive_out);
  rig.at_server().crash();
  ASSERT_TRUE(rig.at_server().open());
  rig.server().serve(rig.at_server().shared(), rig.at_server().drive().identity().drive);
  // The record may be gone: no sync may say that it is durable.
  EXPECT_EQ(rig.run(before->sync()).code(), Errc::drive_out);
  Buffer memory;
  EXPECT_EQ(rig.run(before->append(test_append(key_of(2), kSmall, memory))).code(), Errc::drive_out);
  ASSERT_TRUE(rig.eventually([&] { return rig.openings() == 2; }));
  ASSERT_TRUE(rig.append(key_of(3), kSmall));
  EXPECT_TRUE(rig.run(rig.drive()->sync()));
  EXPECT_TRUE(rig.check(key_of(3), kSmall));
}

TEST(RemotePeer, CanMoveToAnotherAddress) {
  RemoteRig rig;
  const auto drive = rig.drive();
  Relay other(rig.server().port());
  rig.client().add({.node = NodeId{2}, .host = "localhost", .port = other.port()});
  ASSERT_TRUE(rig.eventually([&] { return other.to_server_bytes() > 0 && rig.append(key_of(1), kSmall); }));
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  rig.client().remove(NodeId{2});
  EXPECT_TRUE(rig.eventually([&] { return rig.run(drive->sync()).code() == Errc::drive_unreachable; }));
  EXPECT_TRUE(rig.client().status().empty());
}

/// A connection to the shard port that says whatever it likes.
class Stranger {
 public:
  explicit Stranger(std::uint16_t port) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
  }
  void say(ByteView bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  /// All that the server says until it ends the connection.
  std::string hear() {
    std::string heard;
    std::array<char, 4096> bytes;
    for (boost::system::error_code ended; !ended;) {
      const std::size_t count = socket_.read_some(boost::asio::buffer(bytes), ended);
      heard.append(bytes.data(), count);
    }
    return heard;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
};

TEST(ShardServer, RefusesAVersionItDoesNotSpeakAndSaysSo) {
  RemoteRig rig;
  wire::HelloBody hello = wire::make_hello(RemoteRig::defaults().client.identity, NodeId{2}, 0);
  hello.version_min = hello.version_max = wire::kProtocolVersion + 1;
  wire::FrameBytes frame;
  frame.begin(wire::FrameKind::hello, 0);
  frame.put(hello);
  frame.seal();
  Stranger stranger(rig.server().port());
  stranger.say(frame.head());
  const std::string heard = stranger.hear();
  const auto answer = wire::parse_frame(as_bytes(heard));
  ASSERT_TRUE(answer && *answer);
  const auto failure = wire::failure_of(**answer);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, Errc::unsupported_version);
  EXPECT_NE(failure->detail.find("node 2 speaks versions"), std::string::npos);
}

TEST(ShardServer, AnswersNothingBeforeThePeerHasProvenItself) {
  RemoteRig rig;
  wire::FrameBytes frame;
  frame.begin(wire::FrameKind::usage, 1);
  wire::put_drive(frame, {.drive = DriveIndex{1}, .opening = 0});
  frame.seal();
  Stranger stranger(rig.server().port());
  stranger.say(frame.head());
  EXPECT_EQ(stranger.hear(), "");
}

TEST(ShardServer, OutlivesWhateverIsSentToItsPort) {
  RemoteRig rig;
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 50; ++i) {
    std::vector<std::byte> bytes(1 + random() % 2000);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    // Every other one begins as a frame does, and asks for as much memory as it can.
    if (i % 2 == 0 && bytes.size() > 8) {
      const std::uint32_t magic = wire::kFrameMagic;
      std::memcpy(bytes.data(), &magic, sizeof magic);
      bytes[4] = std::byte{wire::kFrameVersion};
    }
    Stranger stranger(rig.server().port());
    stranger.say(bytes);
  }
  EXPECT_TRUE(rig.append(key_of(1), kSmall));
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
}

TEST(ShardServer, AnswersWhatIsUnderWayBeforeItStops) {
  RemoteRig rig;
  const auto drive = rig.drive();
  rig.held().hold(true);
  Buffer memory;
  auto append = rig.begin(drive->append(test_append(key_of(1), kSmall, memory)));
  ASSERT_TRUE(rig.eventually([&] { return rig.held().waiting() == 1; }));
  auto stopped = boost::asio::co_spawn(rig.at_server().runtime().io(0), rig.server().stop(), boost::asio::use_future);
  rig.held().hold(false);
  EXPECT_TRUE(append.get());
  EXPECT_TRUE(stopped.get());
}

}  // namespace
}  // namespace firn::volume
