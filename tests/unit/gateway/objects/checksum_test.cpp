#include "firn/objects/checksum.h"

#include <gtest/gtest.h>

namespace firn::objects {
namespace {

std::string base64_of(ChecksumAlgorithm algorithm, std::string_view text) {
  RunningChecksum checksum(algorithm);
  checksum.update(as_bytes(text));
  return to_base64(checksum.finish());
}

// The check values of each algorithm's catalogue entry, over "123456789", in S3's spelling.
TEST(Checksum, SpellsCrcsBigEndian) {
  EXPECT_EQ(base64_of(ChecksumAlgorithm::crc32, "123456789"), "y/Q5Jg==");          // cbf43926
  EXPECT_EQ(base64_of(ChecksumAlgorithm::crc32c, "123456789"), "4waSgw==");         // e3069283
  EXPECT_EQ(base64_of(ChecksumAlgorithm::crc64nvme, "123456789"), "rosUhgp5mIg=");  // ae8b14860a799888
}

TEST(Checksum, KnowsTheHashes) {
  EXPECT_EQ(base64_of(ChecksumAlgorithm::sha1, ""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
  EXPECT_EQ(base64_of(ChecksumAlgorithm::sha256, ""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(base64_of(ChecksumAlgorithm::none, "text"), "");
}

TEST(BodyHasher, GivesTheSameWhateverThePieces) {
  const std::string text(100'000, 'x');
  BodyHasher whole(ChecksumAlgorithm::crc64nvme);
  whole.update(as_bytes(text));
  BodyHasher pieces(ChecksumAlgorithm::crc64nvme);
  for (std::size_t at = 0; at < text.size(); at += 777) pieces.update(as_bytes(std::string_view(text).substr(at, 777)));
  EXPECT_EQ(whole.finish_md5(), pieces.finish_md5());
  EXPECT_EQ(whole.finish_checksum(), pieces.finish_checksum());
}

TEST(BodyHasher, KnowsTheMd5OfNothing) {
  BodyHasher hasher(ChecksumAlgorithm::none);
  EXPECT_EQ(to_hex(hasher.finish_md5()), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hasher.finish_checksum(), "");
}

/// Gets a body's blocks in order, each once.
struct ExpectedBlocks final : BlockSink {
  Alongside alongside() override { return {}; }
  void take(ByteView block) override {
    EXPECT_EQ(block.data(), expected);
    expected = block.data() + block.size();
    bytes += block.size();
  }
  const std::byte* expected = nullptr;
  std::size_t bytes = 0;
};

TEST(BodyHasher, GivesTheSameBesideOthersAsAlone) {
  const std::string text(150'000, 'x');
  const std::vector<std::size_t> lengths = {150'000, 20'000, 0, 16'384, 63, 149'999};
  std::vector<BodyHasher> hashers;
  for (std::size_t i = 0; i < lengths.size(); ++i) hashers.emplace_back(ChecksumAlgorithm::crc64nvme);
  std::vector<ExpectedBlocks> sinks(lengths.size());
  for (int part = 0; part < 2; ++part) {
    std::vector<BodyUpdate> updates;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const ByteView bytes = as_bytes(std::string_view(text)).first(lengths[i]);
      sinks[i].expected = bytes.data();
      updates.push_back({&hashers[i], bytes, &sinks[i]});
    }
    update_side_by_side(updates);
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    BodyHasher alone(ChecksumAlgorithm::crc64nvme);
    for (int part = 0; part < 2; ++part) alone.update(as_bytes(std::string_view(text)).first(lengths[i]));
    EXPECT_EQ(hashers[i].finish_md5(), alone.finish_md5()) << lengths[i];
    EXPECT_EQ(hashers[i].finish_checksum(), alone.finish_checksum()) << lengths[i];
    EXPECT_EQ(sinks[i].bytes, 2 * lengths[i]);
  }
}

}  // namespace
}  // namespace firn::objects
