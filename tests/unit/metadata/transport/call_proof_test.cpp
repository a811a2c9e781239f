#include "transport/call_proof.h"

#include <gtest/gtest.h>

namespace firn::metadata::transport {
namespace {

constexpr const char* kKey = "a key for the tests";
constexpr CallSubject kSubject{.method = "Hello", .content = "who are you"};

class CallProof : public testing::Test {
 protected:
  CallHeader call(NodeId to = NodeId{2}) { return signer_.sign(to, cluster_, judge_.nonce(), kSubject); }

  const Uuid cluster_{{1, 2, 3}};
  CallSigner signer_{kKey, NodeId{1}};
  CallJudge judge_{kKey, NodeId{2}};
};

TEST_F(CallProof, IsTakenOnce) {
  const CallHeader header = call();
  EXPECT_TRUE(judge_.check(header, kSubject));
  EXPECT_EQ(judge_.check(header, kSubject).code(), Errc::access_denied) << "it was made before";
  EXPECT_TRUE(judge_.check(call(), kSubject));
}

TEST_F(CallProof, IsTakenInAnyOrderButNotFarBehind) {
  std::vector<CallHeader> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(call());
  EXPECT_TRUE(judge_.check(calls[70], kSubject));
  EXPECT_TRUE(judge_.check(calls[69], kSubject));
  EXPECT_TRUE(judge_.check(calls[7], kSubject));
  EXPECT_FALSE(judge_.check(calls[6], kSubject)) << "too far behind to be known";
  EXPECT_FALSE(judge_.check(calls[7], kSubject));
  EXPECT_TRUE(judge_.check(calls[99], kSubject));
  EXPECT_FALSE(judge_.check(calls[70], kSubject));
}

TEST_F(CallProof, HoldsForItsServersProcessAlone) {
  CallHeader header = signer_.sign(NodeId{2}, cluster_, Nonce{}, kSubject);
  EXPECT_EQ(judge_.check(header, kSubject).code(), Errc::request_expired);
  const CallJudge restarted(kKey, NodeId{2});
  EXPECT_NE(restarted.nonce(), judge_.nonce());
}

TEST_F(CallProof, HoldsForItsMethodAndContentAlone) {
  EXPECT_EQ(judge_.check(call(), {.method = "Snapshot", .content = kSubject.content}).code(), Errc::access_denied);
  EXPECT_EQ(judge_.check(call(), {.method = "Hello", .content = "who am I"}).code(), Errc::access_denied);
}

TEST_F(CallProof, BreaksWithAnyBitOfTheHeader) {
  const CallHeader sound = call();
  for (std::size_t bit = 0; bit < sizeof sound * 8; ++bit) {
    std::string bytes(bytes_of(sound));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto header = parse_call(bytes);
    EXPECT_TRUE(!header || !judge_.check(*header, kSubject)) << bit;
  }
  EXPECT_TRUE(judge_.check(sound, kSubject));
}

TEST_F(CallProof, IsRefusedUnderAnotherKeyNodeOrVersion) {
  CallSigner other("another key for tests", NodeId{1});
  EXPECT_EQ(judge_.check(other.sign(NodeId{2}, cluster_, judge_.nonce(), kSubject), kSubject).code(),
            Errc::access_denied);
  EXPECT_EQ(judge_.check(call(NodeId{3}), kSubject).code(), Errc::invalid_argument);
  CallHeader newer = call();
  newer.version = newer.version_min = kProtocolVersion + 1;
  EXPECT_EQ(judge_.check(newer, kSubject).code(), Errc::unsupported_version);
}

TEST_F(CallProof, OfTheAnswerIsOfThisCallAndAnswerAlone) {
  const CallHeader first = call();
  const CallHeader second = call();
  const std::string proof = answer_proof(kKey, first, "answer");
  EXPECT_EQ(proof, answer_proof(kKey, first, "answer"));
  EXPECT_NE(proof, answer_proof(kKey, second, "answer"));
  EXPECT_NE(proof, answer_proof(kKey, first, "another"));
  EXPECT_NE(proof, answer_proof("another key for tests", first, "answer"));
}

TEST_F(CallProof, OfManyProcessesIsRememberedForTheLatest) {
  std::vector<CallHeader> calls;
  for (int i = 0; i < 1000; ++i) {
    CallSigner process(kKey, NodeId{1});
    calls.push_back(process.sign(NodeId{2}, cluster_, judge_.nonce(), kSubject));
    ASSERT_TRUE(judge_.check(calls.back(), kSubject));
  }
  for (const CallHeader& header : calls) EXPECT_FALSE(judge_.check(header, kSubject));
}

}  // namespace
}  // namespace firn::metadata::transport
