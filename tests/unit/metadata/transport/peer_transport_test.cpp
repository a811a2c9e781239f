#include <gtest/gtest.h>

#include "certificates.h"
#include "transport_rig.h"

namespace firn::metadata {
namespace {

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};

TEST(Hello, IsAnsweredByTheOtherNode) {
  TransportNode one(options_of(1));
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  const auto answer = one.hello(kTwo, "who are you");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(*answer, "node 1 said who are you");
  EXPECT_EQ(one.hello(kTwo, "fail").code(), Errc::invalid_argument);
}

TEST(Hello, IsAnsweredBeforeThereIsACluster) {
  auto fresh = options_of(1);
  fresh.identity.cluster = {};
  TransportNode one(fresh);
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  EXPECT_TRUE(one.hello(kTwo, "may I join"));
}

TEST(Hello, UnderAnotherKeyIsRefusedAsSuch) {
  auto options = options_of(1);
  options.identity.key = "another key for tests";
  TransportNode one(options);
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  const auto answer = one.hello(kTwo, "who are you");
  EXPECT_EQ(answer.code(), Errc::access_denied);
  EXPECT_NE(answer.error().detail.find("different cluster keys"), std::string::npos);
}

TEST(Hello, ToAnotherNodeThanMeantIsRefused) {
  TransportNode one(options_of(1));
  TransportNode three(options_of(3));
  one.know(three, kTwo);
  EXPECT_EQ(one.hello(kTwo, "who are you").code(), Errc::invalid_argument);
}

TEST(Hello, ToANodeThatIsNotThereIsUnreachableUntilItComes) {
  TransportNode one(options_of(1));
  EXPECT_EQ(one.hello(kTwo, "x").code(), Errc::drive_unreachable) << "no peer yet";
  auto options = options_of(2);
  {
    TransportNode two(options);
    options.port = two.port();
  }
  one.transport().add({.node = kTwo, .host = "localhost", .port = options.port});
  EXPECT_EQ(one.hello(kTwo, "x").code(), Errc::drive_unreachable);
  TransportNode two(options);
  EXPECT_TRUE(eventually([&] { return bool(one.hello(kTwo, "x")); }));
}

TEST(Hello, GoesOnWithANodeThatWasRestarted) {
  TransportNode one(options_of(1));
  auto two = std::make_unique<TransportNode>(options_of(2));
  one.know(*two, kTwo);
  ASSERT_TRUE(one.hello(kTwo, "x"));
  auto options = options_of(2);
  options.port = two->port();
  two.reset();
  two = std::make_unique<TransportNode>(options);
  EXPECT_TRUE(eventually([&] { return bool(one.hello(kTwo, "x")); })) << "its nonce is another now";
}

TEST(Hello, SpeaksTlsWhenThereAreCertificates) {
  const Authority authority("metadata_authority");
  const Authority other("metadata_other");
  auto options = options_of(1);
  options.identity.tls = authority.issue("node-1");
  TransportNode one(options);
  options = options_of(2);
  options.identity.tls = authority.issue("node-2");
  TransportNode two(options);
  one.know(two, kTwo);
  const auto answer = one.hello(kTwo, "who are you");
  EXPECT_TRUE(answer) << answer.error().detail;

  options = options_of(3);
  options.identity.tls = other.issue("node-3");
  TransportNode stranger(options);
  stranger.know(two, kTwo);
  EXPECT_EQ(stranger.hello(kTwo, "who are you").error().message, "shows a certificate that is not trusted here");
}

TEST(Hello, BetweenTlsAndPlainSaysWhyThereIsNoAnswer) {
  const Authority authority("metadata_authority");
  auto options = options_of(1);
  options.identity.tls = authority.issue("node-1");
  TransportNode secure(options);
  TransportNode plain(options_of(2));
  secure.know(plain, kTwo);
  plain.know(secure, kOne);
  const auto of_plain = secure.hello(kTwo, "who are you");
  EXPECT_EQ(of_plain.code(), Errc::drive_unreachable);
  EXPECT_EQ(of_plain.error().message, "does not speak TLS, and this one does");
  const auto of_secure = plain.hello(kOne, "who are you");
  EXPECT_EQ(of_secure.code(), Errc::drive_unreachable);
  EXPECT_NE(of_secure.error().message.find("speaks TLS and this one does not"), std::string::npos);
}

TEST(PeerTransport, MayNotHaveAShortKeyOrATakenPort) {
  TransportNode one(options_of(1));
  Runtime runtime(1);
  auto options = options_of(2);
  options.identity.key = "short";
  EXPECT_EQ(PeerTransport::start(runtime, options).code(), Errc::invalid_argument);
  options = options_of(2);
  options.port = one.port();
  EXPECT_EQ(PeerTransport::start(runtime, options).code(), Errc::io_error);
}

TEST(Messages, ArriveInOrderBothWays) {
  TransportNode one(options_of(1));
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  two.know(one, kOne);
  std::vector<std::string> sent;
  for (int i = 0; i < 5000; ++i) sent.push_back("message " + std::to_string(i));
  for (const auto& message : sent) {
    one.transport().send(kTwo, message);
    two.transport().send(kOne, message);
  }
  ASSERT_TRUE(eventually([&] { return two.listener().messages(kOne).size() == sent.size(); }));
  ASSERT_TRUE(eventually([&] { return one.listener().messages(kTwo).size() == sent.size(); }));
  EXPECT_EQ(two.listener().messages(kOne), sent);
  EXPECT_EQ(one.listener().messages(kTwo), sent);
}

TEST(Messages, MayBeAsLongAsEightMebibytes) {
  TransportNode one(options_of(1));
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  const std::string longest(8 << 20, 'm');
  for (int i = 0; i < 5; ++i) one.transport().send(kTwo, longest);
  ASSERT_TRUE(eventually([&] { return two.listener().messages(kOne).size() == 5; }));
  EXPECT_EQ(two.listener().messages(kOne).back(), longest);
}

TEST(Messages, OfAnotherClusterAreNotTaken) {
  auto options = options_of(1);
  options.identity.cluster.bytes.fill(0xEE);
  TransportNode one(options);
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  one.transport().send(kTwo, "from elsewhere");
  ASSERT_TRUE(eventually([&] { return one.listener().times_unreachable() > 0; }));
  EXPECT_TRUE(two.listener().messages(kOne).empty());
  one.transport().set_cluster(options_of(2).identity.cluster);
  ASSERT_TRUE(eventually([&] {
    one.transport().send(kTwo, "of this one");
    return !two.listener().messages(kOne).empty();
  }));
  EXPECT_EQ(two.listener().messages(kOne).front(), "of this one");
}

TEST(Messages, ToANodeThatIsAwayAreDroppedAndItIsToldOf) {
  TransportNode one(options_of(1));
  auto two = std::make_unique<TransportNode>(options_of(2));
  one.know(*two, kTwo);
  one.transport().send(kTwo, "before");
  ASSERT_TRUE(eventually([&] { return two->listener().messages(kOne).size() == 1; }));
  auto options = options_of(2);
  options.port = two->port();
  two.reset();
  ASSERT_TRUE(eventually([&] {
    one.transport().send(kTwo, "while it is away");
    return one.listener().times_unreachable() > 0;
  }));
  two = std::make_unique<TransportNode>(options);
  ASSERT_TRUE(eventually([&] {
    one.transport().send(kTwo, "after");
    return !two->listener().messages(kOne).empty();
  }));
}

TEST(Messages, DoNotComeAfterDetach) {
  TransportNode one(options_of(1));
  TransportNode two(options_of(2));
  one.know(two, kTwo);
  one.transport().send(kTwo, "first");
  ASSERT_TRUE(eventually([&] { return two.listener().messages(kOne).size() == 1; }));
  two.transport().detach();
  one.transport().send(kTwo, "nobody hears this");
  // The stream is in order: when the next is heard, the one before has come and gone.
  ASSERT_TRUE(one.hello(kTwo, "x"));
  two.transport().attach(two.listener());
  ASSERT_TRUE(eventually([&] {
    one.transport().send(kTwo, "last");
    return two.listener().messages(kOne).back() == "last";
  }));
}

}  // namespace
}  // namespace firn::metadata
