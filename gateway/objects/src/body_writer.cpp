#include "src/body_writer.h"

#include <algorithm>
#include <optional>

#include "firn/base/digest.h"
#include "src/hash_lanes.h"

namespace firn::objects {

namespace {

std::string_view spelled(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::none:
      return "checksum";
    case ChecksumAlgorithm::crc32:
      return "CRC32";
    case ChecksumAlgorithm::crc32c:
      return "CRC32C";
    case ChecksumAlgorithm::crc64nvme:
      return "CRC64NVME";
    case ChecksumAlgorithm::sha1:
      return "SHA1";
    case ChecksumAlgorithm::sha256:
      return "SHA256";
  }
  return "checksum";
}

/// Everything computed while bytes pass: MD5, the checksum that is kept, and the stated one if it is another. A SHA-256
/// that the source compares itself is not computed again.
class Digests {
 public:
  Digests(const Integrity& integrity, const BodySource& source)
      : integrity_(integrity), source_(source), kept_(computed(integrity.kept)) {
    if (integrity.stated != integrity.kept) stated_.emplace(computed(integrity.stated));
  }
  void update(ByteView bytes) {
    kept_.update(bytes);
    if (stated_) stated_->update(bytes);
  }
  boost::asio::awaitable<void> update_beside_others(ByteView bytes, BlockSink& sink) {
    return HashLanes::here().update(kept_, bytes, sink);
  }
  /// A block that `update_beside_others` has passed on.
  void update_stated(ByteView block) {
    if (stated_) stated_->update(block);
  }
  std::string md5() { return kept_.finish_md5(); }
  std::string kept() { return known(integrity_.kept) ? sha256() : kept_.finish_checksum(); }
  /// After `kept`, whose value it is when both are of one algorithm.
  std::string stated(const std::string& kept) {
    if (!stated_) return kept;
    return known(integrity_.stated) ? sha256() : stated_->finish();
  }

 private:
  bool known(ChecksumAlgorithm algorithm) const {
    return algorithm == ChecksumAlgorithm::sha256 && !source_.verified_sha256().empty();
  }
  ChecksumAlgorithm computed(ChecksumAlgorithm algorithm) const {
    return known(algorithm) ? ChecksumAlgorithm::none : algorithm;
  }
  std::string sha256() const { return std::string(source_.verified_sha256()); }

  const Integrity& integrity_;
  const BodySource& source_;
  BodyHasher kept_;
  std::optional<RunningChecksum> stated_;
};

/// The bytes have ended: compares what they are with what was promised, and notes it in `stored`.
Result<> conclude(const Integrity& integrity, BodySource& source, Digests& digests, StoredBody& stored) {
  const std::string md5 = digests.md5();
  if (!integrity.md5.empty() && integrity.md5 != md5) return Errc::bad_digest;
  std::string kept = digests.kept();
  auto trailing = source.trailing_checksum();
  if (!trailing) return std::move(trailing).error();
  const std::string& promised = trailing->empty() ? integrity.checksum : *trailing;
  if (!promised.empty() && promised != digests.stated(kept)) {
    return client_error(Errc::bad_digest, "The " + std::string(spelled(integrity.stated)) +
                                              " you specified did not match the calculated checksum.");
  }
  stored.etag = to_hex(md5);
  stored.checksum = {.algorithm = integrity.kept, .value = std::move(kept)};
  return Unit{};
}

Task<> fill_inline(BodySource& source, Digests& digests, std::string& bytes) {
  std::size_t filled = 0;
  while (true) {
    // One byte more than promised is asked for at the end, so that the source gets to check its own end.
    std::byte past_the_end{};
    const MutableBytes rest = filled < bytes.size() ? std::as_writable_bytes(std::span(bytes)).subspan(filled)
                                                    : MutableBytes(&past_the_end, 1);
    CO_TRY_LET(const std::size_t count, co_await source.read(rest));
    if (count == 0) break;
    if (filled == bytes.size()) co_return error(Errc::incomplete_body, "body is longer than it said");
    filled += count;
  }
  if (filled != bytes.size()) co_return error(Errc::incomplete_body, "body ended early");
  digests.update(std::as_bytes(std::span(bytes)));
  co_return Unit{};
}

/// Hands a body's blocks to its extent.
class ExtentSink final : public BlockSink {
 public:
  ExtentSink(Digests& digests, volume::ExtentWriter& writer) : digests_(digests), writer_(writer) {}
  Alongside alongside() override { return writer_.alongside(); }
  void take(ByteView block) override {
    digests_.update_stated(block);
    writer_.advance(block.size());
  }

 private:
  Digests& digests_;
  volume::ExtentWriter& writer_;
};

Task<> fill_extent(BodySource& source, Digests& digests, volume::ExtentWriter& writer) {
  std::uint64_t left = source.length_bytes();
  ExtentSink sink(digests, writer);
  while (left > 0) {
    CO_TRY_LET(MutableBytes window, co_await writer.window());
    window = window.first(static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), left)));
    CO_TRY_LET(const std::size_t count, co_await source.read(window));
    if (count == 0) co_return error(Errc::incomplete_body, "body ended early");
    co_await digests.update_beside_others(window.first(count), sink);
    left -= count;
  }
  std::byte past_the_end{};
  CO_TRY_LET(const std::size_t count, co_await source.read(MutableBytes(&past_the_end, 1)));
  if (count != 0) co_return error(Errc::incomplete_body, "body is longer than it said");
  co_return Unit{};
}

}  // namespace

Task<StoredBody> store_body(const BodyPlace& place, const Integrity& integrity, BodySource& source) {
  StoredBody stored{.size_bytes = source.length_bytes()};
  Digests digests(integrity, source);
  if (stored.size_bytes <= place.inline_bytes_max) {
    stored.ref.inline_bytes.resize(static_cast<std::size_t>(stored.size_bytes));
    CO_TRY(co_await fill_inline(source, digests, stored.ref.inline_bytes));
    CO_TRY(conclude(integrity, source, digests, stored));
    co_return stored;
  }
  CO_TRY_LET(auto ticket, co_await place.ids.take());
  CO_TRY_LET(const auto writer, place.volumes.write(ticket.extent(), stored.size_bytes, place.bucket));
  CO_TRY(co_await fill_extent(source, digests, *writer));
  // Before the last sync: bytes that are not what was promised need not be made durable.
  CO_TRY(conclude(integrity, source, digests, stored));
  CO_TRY_LET(const volume::WrittenExtent written, co_await writer->finish());
  stored.ref.extents.push_back({.extent = written.id,
                                .set = written.set,
                                .epoch = written.epoch,
                                .extent_bytes = written.length_bytes,
                                .missing = written.missing});
  stored.ref.slices.push_back({.extent = written.id,
                               .set = written.set,
                               .extent_bytes = written.length_bytes,
                               .offset = 0,
                               .length = written.length_bytes});
  stored.ticket.emplace(std::move(ticket));
  co_return stored;
}

}  // namespace firn::objects
