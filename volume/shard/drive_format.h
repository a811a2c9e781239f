#pragma once

#include <map>
#include <string>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/volume/drive.h"

/// The small files of a drive directory: docs/formats/drive.md. Pure: bytes in, bytes out.
namespace firn::volume {

/// A segment must hold a few records of the largest size, and its offsets in pages must fit an index row.
inline constexpr std::uint64_t kSegmentBytesMin = 4ULL << 20;
inline constexpr std::uint64_t kSegmentBytesMax = 4ULL << 30;

inline constexpr const char* kIdentityFile = "firn.drive";
inline constexpr const char* kIdentityTemporary = "firn.drive.tmp";
inline constexpr const char* kLockFile = "firn.lock";
inline constexpr const char* kEpochsFile = "firn.epochs";
inline constexpr const char* kCleanFile = "firn.clean";
inline constexpr const char* kScrubFile = "firn.scrub";
inline constexpr const char* kSegmentsDirectory = "segments";
inline constexpr const char* kIndexDirectory = "index";

std::string make_identity_file(const DriveIdentity& identity);
/// Errc::corrupt when no copy is sound, unsupported_version.
Result<DriveIdentity> parse_identity_file(ByteView content);

using SetEpochs = std::map<SetId, SetEpoch>;
std::string make_epochs_file(const Uuid& drive, const SetEpochs& epochs);
Result<SetEpochs> parse_epochs_file(ByteView content, const Uuid& drive);

std::string make_clean_file(const Uuid& drive);
bool is_clean_file(ByteView content, const Uuid& drive);

std::string make_scrub_file(const Uuid& drive, const ScrubRound& round);
/// Errc::corrupt or unsupported_version.
Result<ScrubRound> parse_scrub_file(ByteView content, const Uuid& drive);

/// "00000017.seg" and back.
std::string segment_file_name(SegmentId segment);
bool parse_segment_file_name(std::string_view name, SegmentId& segment);

}  // namespace firn::volume
