#include <gtest/gtest.h>

#include "wire/handshake.h"

namespace firn::volume::wire {
namespace {

ClusterIdentity node(std::uint32_t number) {
  ClusterIdentity identity{.cluster = {}, .node = NodeId{number}, .key = "a key for the tests", .tls = {}};
  identity.cluster.bytes.fill(0xC1);
  return identity;
}

TEST(Handshake, IsMadeBetweenNodesOfOneCluster) {
  const HelloBody hello = make_hello(node(1), NodeId{2}, 0);
  const auto challenge = answer_hello(node(2), hello);
  ASSERT_TRUE(challenge);
  EXPECT_TRUE(check_challenge(hello, *challenge));
  const Proof proof = prove(Side::client, node(1).key, hello, *challenge);
  EXPECT_TRUE(check_proof(prove(Side::client, node(2).key, hello, *challenge), proof));
}

TEST(Handshake, IsRefusedForAnotherClusterNodeOrVersionAndSaysWhich) {
  HelloBody hello = make_hello(node(1), NodeId{2}, 0);
  hello.cluster[0] ^= 1;
  EXPECT_EQ(answer_hello(node(2), hello).code(), Errc::invalid_argument);
  EXPECT_NE(answer_hello(node(2), hello).error().detail.find("c1c1"), std::string::npos);

  hello = make_hello(node(1), NodeId{3}, 0);
  EXPECT_EQ(answer_hello(node(2), hello).error().detail, "this is node 2, not node 3");

  hello = make_hello(node(1), NodeId{2}, 0);
  hello.version_min = kProtocolVersion + 1;
  hello.version_max = kProtocolVersion + 2;
  EXPECT_EQ(answer_hello(node(2), hello).code(), Errc::unsupported_version);
}

TEST(Handshake, AgreesOnTheHighestVersionBothSpeak) {
  HelloBody hello = make_hello(node(1), NodeId{2}, 0);
  hello.version_max = kProtocolVersion + 1;
  const auto challenge = answer_hello(node(2), hello);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->version, kProtocolVersion);
}

TEST(Handshake, TakesNoChallengeItDidNotAskFor) {
  const HelloBody hello = make_hello(node(1), NodeId{2}, 0);
  const auto sound = answer_hello(node(2), hello);
  ASSERT_TRUE(sound);
  auto other = *sound;
  other.version = kProtocolVersion + 1;
  EXPECT_EQ(check_challenge(hello, other).code(), Errc::unsupported_version);
  other = *sound;
  other.node = 3;
  EXPECT_EQ(check_challenge(hello, other).code(), Errc::invalid_argument);
  other = *sound;
  other.cluster[15] ^= 1;
  EXPECT_EQ(check_challenge(hello, other).code(), Errc::invalid_argument);
}

TEST(Handshake, HasProofsThatHoldOnceAndForOneSide) {
  const HelloBody hello = make_hello(node(1), NodeId{2}, 0);
  const auto challenge = answer_hello(node(2), hello);
  const auto again = answer_hello(node(2), hello);
  ASSERT_TRUE(challenge && again);
  const std::string key = node(1).key;
  const Proof proof = prove(Side::client, key, hello, *challenge);
  EXPECT_NE(proof, prove(Side::server, key, hello, *challenge));
  EXPECT_NE(proof, prove(Side::client, key, hello, *again)) << "the server's nonce is not in it";
  EXPECT_NE(proof, prove(Side::client, key, make_hello(node(1), NodeId{2}, 0), *challenge));
  EXPECT_EQ(check_proof(prove(Side::client, "another key of ours", hello, *challenge), proof).code(),
            Errc::access_denied);
}

TEST(Handshake, AsksForAKeyThatIsNotGuessed) {
  ClusterIdentity identity = node(1);
  identity.key = "fifteen bytes..";
  EXPECT_EQ(load_identity(identity).code(), Errc::invalid_argument);
  identity.key += ".";
  EXPECT_TRUE(load_identity(identity));
}

}  // namespace
}  // namespace firn::volume::wire
