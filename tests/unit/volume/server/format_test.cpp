// The bytes on a drive: what is written is read back, and nothing else is believed.

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "drive_rig.h"
#include "shard/drive_format.h"
#include "shard/index_format.h"
#include "shard/sealed_page.h"
#include "shard/segment_format.h"

namespace firn::volume {
namespace {

constexpr std::uint64_t kSegmentBytes = 4ULL << 20;

SegmentIdentity segment_identity() {
  SegmentIdentity identity{
      .segment = SegmentId{5}, .segment_bytes = kSegmentBytes, .incarnation = 3, .nonce = 77, .birth = 9};
  identity.cluster.bytes.fill(1);
  identity.drive.bytes.fill(2);
  return identity;
}

std::vector<SummaryEntry> entries(std::size_t count) {
  std::vector<SummaryEntry> made(count);
  std::uint32_t page = kFirstRecordOffset / kPageBytes;
  for (std::size_t i = 0; i < count; ++i) {
    made[i].lease = 1;
    made[i].counter = i;
    made[i].page = page;
    made[i].stored_blocks = static_cast<std::uint16_t>(i % 3);
    made[i].chunk_blocks = 3;
    page += 1 + made[i].stored_blocks;
  }
  return made;
}

RecordHeader record_header(std::uint32_t blocks) {
  Buffer memory;
  const Append append = test_append(key_of(4, 2, 1), blocks * kBlockBytes, memory);
  RecordHeader header;
  std::memcpy(&header, append.record.data(), sizeof header);
  header.version = kRecordVersion;
  header.shard = 1;
  header.data_shards = 4;
  header.parity_shards = 2;
  header.lease = 7;
  header.counter = 4;
  header.stripe = 2;
  header.chunk_bytes = header.stored_bytes = blocks * kBlockBytes;
  seal_header(header);
  return header;
}

TEST(RecordHeaderFormat, KeepsItsOffsets) {
  EXPECT_EQ(offsetof(RecordHeader, version), 16U);
  EXPECT_EQ(offsetof(RecordHeader, set), 24U);
  EXPECT_EQ(offsetof(RecordHeader, lease), 32U);
  EXPECT_EQ(offsetof(RecordHeader, extent_bytes), 48U);
  EXPECT_EQ(offsetof(RecordHeader, stored_bytes), 64U);
  EXPECT_EQ(offsetof(RecordHeader, segment_nonce), 80U);
  EXPECT_EQ(offsetof(RecordHeader, cluster), 96U);
  EXPECT_EQ(offsetof(RecordHeader, written_unix_ms), 120U);
  EXPECT_EQ(offsetof(RecordHeader, block_xxh3), 512U);
  EXPECT_EQ(offsetof(RecordHeader, reserved3), 2560U);
}

TEST(RecordHeaderFormat, IsBelievedOnlyWhole) {
  const RecordHeader sound = record_header(3);
  ASSERT_TRUE(verify_header(sound));
  EXPECT_TRUE(verify_identity(sound, key_of(4, 2, 1)));
  EXPECT_EQ(verify_identity(sound, key_of(4, 2, 0)).code(), Errc::corrupt);
  EXPECT_EQ(verify_identity(sound, key_of(5, 2, 1)).code(), Errc::corrupt);
  for (std::size_t byte = 0; byte < sizeof sound; ++byte) {
    RecordHeader flipped = sound;
    reinterpret_cast<std::byte*>(&flipped)[byte] ^= std::byte{0x10};
    ASSERT_EQ(verify_header(flipped).code(), Errc::corrupt) << "byte " << byte;
  }
}

TEST(RecordHeaderFormat, OfAnotherVersionOrWithReservedBytesIsRefused) {
  RecordHeader header = record_header(1);
  header.version = kRecordVersion + 1;
  seal_header(header);
  EXPECT_EQ(verify_header(header).code(), Errc::unsupported_version);
  header = record_header(1);
  header.reserved3[7] = 1;
  seal_header(header);
  EXPECT_EQ(verify_header(header).code(), Errc::corrupt);
  header = record_header(1);
  header.stored_bytes = header.chunk_bytes + kBlockBytes;
  seal_header(header);
  EXPECT_EQ(verify_header(header).code(), Errc::corrupt);
  header = record_header(1);
  header.shard = 6;
  seal_header(header);
  EXPECT_EQ(verify_header(header).code(), Errc::corrupt);
}

TEST(RecordHeaderFormat, ChecksEachBlockByItsNumber) {
  const RecordHeader header = record_header(3);
  Buffer payload = test_payload(key_of(4, 2, 1), 3 * kBlockBytes);
  EXPECT_TRUE(verify_blocks(header, 0, payload.view()));
  EXPECT_TRUE(verify_blocks(header, 1, payload.view().subspan(kBlockBytes)));
  EXPECT_EQ(verify_blocks(header, 0, payload.view().subspan(kBlockBytes)).code(), Errc::corrupt);
  EXPECT_EQ(verify_blocks(header, 0, payload.view().first(100)).code(), Errc::corrupt);
  EXPECT_EQ(verify_blocks(header, kBlocksMax, payload.view().first(kBlockBytes)).code(), Errc::corrupt);
  payload.data()[2 * kBlockBytes] ^= std::byte{1};
  EXPECT_TRUE(verify_blocks(header, 0, payload.view().first(2 * kBlockBytes)));
  EXPECT_EQ(verify_blocks(header, 0, payload.view()).code(), Errc::corrupt);
}

TEST(SegmentHeaderFormat, IsReadBackFromEitherCopy) {
  const SegmentIdentity identity = segment_identity();
  SegmentIdentity expected = identity;
  expected.incarnation = 0;
  expected.nonce = expected.birth = 0;
  Buffer both = make_segment_header(identity, 123);
  for (int copy = 0; copy < 2; ++copy) {
    auto parsed = parse_segment_header(both.view(), expected);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->incarnation, 3U);
    EXPECT_EQ(parsed->nonce, 77U);
    EXPECT_EQ(parsed->birth, 9U);
    both.data()[static_cast<std::size_t>(copy) * kPageBytes + 33] ^= std::byte{4};
  }
  EXPECT_EQ(parse_segment_header(both.view(), expected).code(), Errc::not_found);
}

TEST(SegmentHeaderFormat, OfATornRewriteIsTheNewerOne) {
  SegmentIdentity newer = segment_identity();
  newer.incarnation = 4;
  Buffer both = make_segment_header(segment_identity(), 0);
  const Buffer next = make_segment_header(newer, 0);
  std::memcpy(both.data(), next.data(), kPageBytes);
  EXPECT_EQ(parse_segment_header(both.view(), segment_identity())->incarnation, 4U);
}

TEST(SegmentHeaderFormat, OfAnotherDriveSegmentOrVersionIsRefused) {
  const Buffer both = make_segment_header(segment_identity(), 0);
  SegmentIdentity other = segment_identity();
  other.drive.bytes.fill(3);
  EXPECT_EQ(parse_segment_header(both.view(), other).code(), Errc::corrupt);
  other = segment_identity();
  other.segment = SegmentId{6};
  EXPECT_EQ(parse_segment_header(both.view(), other).code(), Errc::corrupt);
  SegmentHeader header;
  std::memcpy(&header, both.data(), sizeof header);
  header.version = 2;
  seal_page(header);
  EXPECT_EQ(parse_segment_header(std::as_bytes(std::span(&header, 1)), segment_identity()).code(),
            Errc::unsupported_version);
}

TEST(SummaryFormat, IsReadBack) {
  for (const std::size_t count : {0U, 1U, 85U, 86U, 400U}) {
    const Buffer pages = make_summary(segment_identity(), entries(count));
    const ByteView view = pages.view();
    ASSERT_EQ(view.size(), summary_and_footer_bytes(count));
    auto place = parse_footer(view.last(kPageBytes), segment_identity());
    ASSERT_TRUE(place);
    EXPECT_EQ(place->entries, count);
    EXPECT_EQ(place->entries_offset_bytes, kSegmentBytes - view.size());
    auto parsed = parse_summary(view.first(view.size() - kPageBytes), *place);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->size(), count);
  }
}

TEST(SummaryFormat, OfAnotherIncarnationIsNone) {
  const Buffer pages = make_summary(segment_identity(), entries(3));
  SegmentIdentity later = segment_identity();
  later.incarnation = 4;
  EXPECT_EQ(parse_footer(pages.view().last(kPageBytes), later).code(), Errc::not_found);
}

TEST(SummaryFormat, IsNotBelievedWithAFlippedBit) {
  Buffer pages = make_summary(segment_identity(), entries(200));
  const auto place = parse_footer(pages.view().last(kPageBytes), segment_identity());
  ASSERT_TRUE(place);
  pages.data()[48 * 100] ^= std::byte{1};
  EXPECT_EQ(parse_summary(pages.view(), *place).code(), Errc::corrupt);
}

TEST(Parsers, SurviveRandomBytes) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(test_seed()));
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 2000; ++round) {
    // Sound bytes with a few changes get further than noise.
    Buffer bytes =
        round % 2 == 0 ? make_segment_header(segment_identity(), 1) : make_summary(segment_identity(), entries(50));
    for (std::uint64_t i = random() % 8; i > 0; --i)
      bytes.data()[random() % bytes.size()] = static_cast<std::byte>(random());
    const ByteView some = bytes.view().first(random() % (bytes.size() + 1));
    (void)parse_segment_header(some, segment_identity());
    (void)parse_footer(some.first(std::min(some.size(), kPageBytes)), segment_identity());
    (void)parse_summary(some, SummaryPlace{.entries = random() % 100, .tail_bytes = random() % kSegmentBytes});
    (void)parse_identity_file(some);
    (void)parse_epochs_file(some, Uuid{});
    (void)is_clean_file(some, Uuid{});
    (void)parse_record_row(as_text(some.first(std::min<std::size_t>(some.size(), random() % 64))));
    (void)parse_segment_row(as_text(some.first(std::min<std::size_t>(some.size(), random() % 64))));
    (void)parse_index_row(as_text(some.first(std::min<std::size_t>(some.size(), random() % 64))));
  }
}

TEST(IndexFormat, SortsKeysAsNumbers) {
  const std::vector<RecordKey> keys = {{{LeaseId{0}, 0}, 0, 0},   {{LeaseId{1}, 0}, 0, 1},   {{LeaseId{1}, 0}, 1, 0},
                                       {{LeaseId{1}, 255}, 0, 0}, {{LeaseId{1}, 256}, 0, 0}, {{LeaseId{256}, 0}, 0, 0}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    RecordKey parsed;
    ASSERT_TRUE(parse_record_key(record_key(keys[i]), parsed));
    EXPECT_EQ(parsed, keys[i]);
    if (i > 0) {
      EXPECT_LT(record_key(keys[i - 1]), record_key(keys[i]));
    }
  }
  RecordKey parsed;
  EXPECT_FALSE(parse_record_key("r", parsed));
  EXPECT_FALSE(parse_record_key(segment_key(SegmentId{1}), parsed));
}

TEST(IndexFormat, RefusesRowsOfAnotherVersionLengthOrWithReservedBytes) {
  std::string row = make_row(RecordRow{.segment = SegmentId{3}, .page = 7, .stored_bytes = 4096, .chunk_bytes = 8192});
  ASSERT_TRUE(parse_record_row(row));
  EXPECT_EQ(parse_record_row(row)->page, 7U);
  EXPECT_EQ(parse_record_row(row.substr(1)).has_value(), false);
  EXPECT_EQ(parse_record_row(row + "x").code(), Errc::corrupt);
  std::string newer = row;
  newer[0] = 2;
  EXPECT_EQ(parse_record_row(newer).code(), Errc::unsupported_version);
  row[2] = 1;
  EXPECT_EQ(parse_record_row(row).code(), Errc::corrupt);
}

TEST(EpochsFormat, IsReadBackFromEitherCopy) {
  Uuid drive;
  drive.bytes.fill(4);
  SetEpochs epochs;
  for (std::uint32_t i = 0; i < 700; ++i) epochs[SetId{i * 3}] = SetEpoch{i + 1};
  std::string content = make_epochs_file(drive, epochs);
  ASSERT_TRUE(parse_epochs_file(as_bytes(content), drive));
  EXPECT_EQ(*parse_epochs_file(as_bytes(content), drive), epochs);
  content[100] = static_cast<char>(content[100] ^ 1);
  EXPECT_EQ(*parse_epochs_file(as_bytes(content), drive), epochs);
  content[content.size() / 2 + 100] = static_cast<char>(content[content.size() / 2 + 100] ^ 1);
  EXPECT_EQ(parse_epochs_file(as_bytes(content), drive).code(), Errc::corrupt);
  EXPECT_EQ(parse_epochs_file(as_bytes(make_epochs_file(drive, epochs)), Uuid{}).code(), Errc::corrupt);
}

TEST(ScrubFormat, IsReadBackAndNothingElseIs) {
  Uuid drive;
  drive.bytes.fill(4);
  const ScrubRound round{.begun_unix_ms = 1'700'000'000'000,
                         .ended_unix_ms = 1'690'000'000'000,
                         .after = {{LeaseId{7}, 8}, 9, 5},
                         .records = 10,
                         .bytes = 11,
                         .damaged = 12};
  std::string content = make_scrub_file(drive, round);
  ASSERT_TRUE(parse_scrub_file(as_bytes(content), drive));
  EXPECT_EQ(*parse_scrub_file(as_bytes(content), drive), round);
  EXPECT_EQ(parse_scrub_file(as_bytes(content), Uuid{}).code(), Errc::corrupt);
  EXPECT_EQ(parse_scrub_file(as_bytes(content + "x"), drive).code(), Errc::corrupt);
  content[100] = static_cast<char>(content[100] ^ 1);
  EXPECT_EQ(parse_scrub_file(as_bytes(content), drive).code(), Errc::corrupt);
}

TEST(SegmentFileName, IsReadBackAndNothingElseIs) {
  SegmentId id;
  EXPECT_EQ(segment_file_name(SegmentId{17}), "00000017.seg");
  ASSERT_TRUE(parse_segment_file_name("00000017.seg", id));
  EXPECT_EQ(id, SegmentId{17});
  for (const char* name : {"17.seg", "0000017a.seg", "00000017.seg.tmp", ".seg", "-0000017.seg", "99999999999.seg"}) {
    EXPECT_FALSE(parse_segment_file_name(name, id)) << name;
  }
}

}  // namespace
}  // namespace firn::volume
