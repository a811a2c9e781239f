#include <gtest/gtest.h>

#include <vector>

#include "firn/base/digest.h"
#include "wire/messages.h"

namespace firn::volume::wire {
namespace {

std::vector<std::byte> bytes_of(const FrameBytes& frame) { return {frame.head().begin(), frame.head().end()}; }

FrameBytes a_sync() {
  FrameBytes frame;
  frame.begin(FrameKind::sync, 7);
  put_drive(frame, {.drive = DriveIndex{3}, .opening = 0x1122334455667788});
  frame.seal();
  return frame;
}

TEST(Frame, LiesOnTheWireAsTheFormatSays) {
  const auto bytes = bytes_of(a_sync());
  const std::string hex = to_hex(as_text(bytes));
  EXPECT_EQ(hex.substr(0, 16),
            "46535031"
            "01"
            "11"
            "0000");
  EXPECT_EQ(hex.substr(32),
            "07000000"
            "10000000"
            "00000000"
            "00000000"
            "0300"
            "000000000000"
            "8877665544332211");
}

TEST(Frame, IsReadBackAsItWasWritten) {
  const auto bytes = bytes_of(a_sync());
  const auto frame = parse_frame(bytes);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->kind(), FrameKind::sync);
  EXPECT_EQ((*frame)->header.request, 7U);
  const auto target = decode_drive((*frame)->body);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->drive, DriveIndex{3});
  EXPECT_EQ(target->opening, 0x1122334455667788U);
}

TEST(Frame, IsNotThereUntilItsLastByteIs) {
  const auto bytes = bytes_of(a_sync());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto frame = parse_frame(ByteView(bytes).first(length));
    ASSERT_TRUE(frame) << length;
    EXPECT_FALSE(*frame) << length;
  }
}

TEST(Frame, IsRefusedWithAnyBitOfItChanged) {
  const auto sound = bytes_of(a_sync());
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    auto bytes = sound;
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    const auto frame = parse_frame(bytes);
    // A longer body than came is waited for; it is refused with its last byte.
    EXPECT_TRUE(!frame || !*frame) << bit;
  }
}

TEST(Frame, IsRefusedBeforeItsBodyCameWhenItIsTooLong) {
  FrameBytes frame;
  frame.begin(FrameKind::sync, 1);
  frame.put_bytes(as_bytes(std::string(300, 'x')));
  frame.seal();
  const auto head = ByteView(frame.head()).first(sizeof(FrameHeader));
  EXPECT_EQ(parse_frame(head, {.body_bytes_max = 256, .payload_bytes_max = 0}).code(), Errc::corrupt);
  EXPECT_TRUE(parse_frame(head));
}

TEST(Frame, TellsAFailureWithItsReason) {
  FrameBytes frame;
  frame.begin_failure(FrameKind::append, 9, error(Errc::drive_full, std::string(2000, 'f')));
  frame.seal();
  const auto parsed = parse_frame(frame.head());
  ASSERT_TRUE(parsed && *parsed);
  const auto failure = failure_of(**parsed);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, Errc::drive_full);
  EXPECT_EQ(failure->detail, std::string(kFailureTextBytesMax, 'f'));
}

TEST(Frame, OfAnAppendCarriesAllOfIt) {
  Append append;
  append.key = {{LeaseId{5}, 6}, 7, 3};
  append.set = SetId{8};
  append.set_epoch = SetEpoch{9};
  append.shape = {4, 2};
  append.extent_bytes = 1ULL << 40;
  append.chunk_bytes = 1 << 20;
  append.owner_bucket = BucketId{11};
  FrameBytes frame;
  frame.begin(FrameKind::append, 1);
  put_append(frame, 99, DriveIndex{12}, append);
  frame.seal();
  const auto found = decode_append(frame.head().subspan(sizeof(FrameHeader)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->target.drive, DriveIndex{12});
  EXPECT_EQ(found->target.opening, 99U);
  EXPECT_EQ(found->append.key, append.key);
  EXPECT_EQ(found->append.set, append.set);
  EXPECT_EQ(found->append.set_epoch, append.set_epoch);
  EXPECT_EQ(found->append.shape, append.shape);
  EXPECT_EQ(found->append.extent_bytes, append.extent_bytes);
  EXPECT_EQ(found->append.chunk_bytes, append.chunk_bytes);
  EXPECT_EQ(found->append.owner_bucket, append.owner_bucket);
}

TEST(Frame, WithBytesInItsZeroFieldsIsRefused) {
  FrameBytes frame = a_sync();
  std::vector<std::byte> body(frame.head().begin() + sizeof(FrameHeader), frame.head().end());
  ASSERT_TRUE(decode_drive(body));
  body[2] = std::byte{1};
  EXPECT_FALSE(decode_drive(body));
}

}  // namespace
}  // namespace firn::volume::wire
