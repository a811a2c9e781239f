#include "firn/base/digest.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace firn {
namespace {

std::string hex_of(HashAlgorithm algorithm, std::string_view text) {
  Hasher hasher(algorithm);
  hasher.update(as_bytes(text));
  return to_hex(hasher.finish());
}

TEST(Hasher, GivesThePublishedDigests) {  // RFC 1321, FIPS 180.
  EXPECT_EQ(hex_of(HashAlgorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_of(HashAlgorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_of(HashAlgorithm::sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of(HashAlgorithm::md5, ""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_of(HashAlgorithm::sha1, ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex_of(HashAlgorithm::sha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hasher, DoesNotCareHowTheBytesWereCut) {
  for (const auto algorithm : {HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256}) {
    Hasher hasher(algorithm);
    for (const std::string_view piece : {"f", "", "ir", "n"}) hasher.update(as_bytes(piece));
    EXPECT_EQ(to_hex(hasher.finish()), hex_of(algorithm, "firn"));
  }
}

TEST(Hasher, StartsAfreshWhenItsContextWasUsedBefore) {
  const std::string expected = hex_of(HashAlgorithm::sha256, "abc");
  {
    Hasher abandoned(HashAlgorithm::sha256);
    abandoned.update(as_bytes("half a body, then the client went away"));
  }
  EXPECT_EQ(hex_of(HashAlgorithm::sha256, "abc"), expected);
}

TEST(Hasher, KeepsManyAtOnceApart) {
  std::vector<Hasher> hashers;
  for (int i = 0; i < 40; ++i) hashers.emplace_back(HashAlgorithm::md5);
  for (int i = 0; i < 40; ++i) hashers[static_cast<std::size_t>(i)].update(as_bytes(std::to_string(i)));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(to_hex(hashers[static_cast<std::size_t>(i)].finish()), hex_of(HashAlgorithm::md5, std::to_string(i)));
  }
}

TEST(Hasher, MayEndOnAnotherThreadThanItBegan) {
  Hasher hasher(HashAlgorithm::sha1);
  hasher.update(as_bytes("ab"));
  std::string digest;
  std::thread([moved = std::move(hasher), &digest]() mutable {
    moved.update(as_bytes("c"));
    digest = moved.finish();
  }).join();
  EXPECT_EQ(to_hex(digest), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(HasherDeathTest, StopsWhenFinishedTwice) {
  Hasher hasher(HashAlgorithm::md5);
  (void)hasher.finish();
  EXPECT_DEATH((void)hasher.finish(), "assertion failed");
}

TEST(Digest, OfOneCallEqualsTheRunningOne) {
  EXPECT_EQ(to_hex(md5(as_bytes("abc"))), hex_of(HashAlgorithm::md5, "abc"));
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), hex_of(HashAlgorithm::sha256, "abc"));
}

TEST(HmacSha256, GivesThePublishedValues) {  // RFC 4231, cases 1, 2, 6 (a key longer than a block) and 7.
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'),
                               "This is a test using a larger than block-size key and a larger than block-size data. "
                               "The key needs to be hashed before being used by the HMAC algorithm.")),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, TakesKeysAroundOneBlock) {
  // A key is padded with zeros up to a block, and only a longer one is hashed first.
  EXPECT_EQ(hmac_sha256(std::string(63, 'k'), "text"), hmac_sha256(std::string(63, 'k') + '\0', "text"));
  EXPECT_EQ(hmac_sha256(std::string(65, 'k'), "text"), hmac_sha256(sha256(as_bytes(std::string(65, 'k'))), "text"));
  EXPECT_NE(hmac_sha256(std::string(64, 'k'), "text"), hmac_sha256(sha256(as_bytes(std::string(64, 'k'))), "text"));
}

TEST(HmacSha1, GivesThePublishedValues) {  // RFC 2202, cases 1, 2 and 6 (a key longer than a block).
  EXPECT_EQ(to_hex(hmac_sha1(std::string(20, '\x0b'), "Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(to_hex(hmac_sha1("Jefe", "what do ya want for nothing?")), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(hmac_sha1(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST(EqualInConstantTime, HoldsForEqualTextsOnly) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secres"));
  EXPECT_FALSE(equal_in_constant_time("Secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secret "));
  EXPECT_FALSE(equal_in_constant_time("", "secret"));
}

TEST(EqualInConstantTime, LooksPastZeroBytes) {
  EXPECT_TRUE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST(EqualInConstantTime, SeesADifferenceInEveryBit) {
  const std::string text(33, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(equal_in_constant_time(text, other));
    }
  }
}

TEST(FillRandom, NeverRepeatsItself) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    std::string key(16, '\0');
    fill_random(std::as_writable_bytes(std::span(key)));
    EXPECT_TRUE(seen.insert(key).second);
  }
}

TEST(FillRandom, FillsMoreThanTheKernelGivesAtOnce) {
  std::string large(std::size_t{1} << 20, '\0');
  fill_random(std::as_writable_bytes(std::span(large)));
  // Each 64-byte piece differs from zeros: the chance of one being zeros is 2^-512.
  for (std::size_t at = 0; at < large.size(); at += 64) EXPECT_NE(large.substr(at, 64), std::string(64, '\0'));
}

}  // namespace
}  // namespace firn
