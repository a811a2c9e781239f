#include "extent_writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

/// Records being appended beyond the one being filled and the stripe's parity: a whole stripe of 4+2, so that the next
/// one may come in while all six drives are busy.
constexpr std::uint64_t kChunksInFlight = 6;
constexpr std::uint64_t kAppendingBytesMax = kChunksInFlight * (kPageBytes + kChunkBytesMax);

/// Up to this chunk size a stripe (1 MiB of data at k = 4) takes memory for all its records at once, and an extent that
/// is one such stripe goes to the drives in one go, append and sync in one step per drive.
constexpr std::uint32_t kWholeStripeChunkMax = 256U << 10;

/// Digested at a time at least: as much as a body's hashes take at a time and leave in the core's first cache.
constexpr std::uint32_t kDigestBytesMin = 16U << 10;

/// The same bytes of all parities of a stripe.
class ParityRange {
 public:
  ParityRange(std::vector<RecordMemory>& parity, std::uint32_t begin, std::uint32_t end) : count_(parity.size()) {
    for (std::size_t i = 0; i < count_; ++i) rows_[i] = parity[i].payload().subspan(begin, end - begin);
  }
  std::span<const MutableBytes> rows() const { return std::span(rows_).first(count_); }

 private:
  std::array<MutableBytes, erasure::kParityShardsMax> rows_;
  std::size_t count_;
};

}  // namespace

StripeWriter::StripeWriter(std::shared_ptr<Core> core, std::shared_ptr<const View> view, const Extent& extent,
                           BucketId owner)
    : core_(std::move(core)),
      extent_(extent),
      owner_(owner),
      flight_(std::make_shared<Flight>(core_, std::move(view), extent)) {}

StripeWriter::~StripeWriter() { flight_->keep_spare(false); }

Task<MutableBytes> StripeWriter::window() {
  if (complete()) co_return MutableBytes{};
  if (auto reason = flight_->hopeless()) co_return std::move(*reason);
  if (!in_stripe_) CO_TRY(co_await begin_stripe());
  if (!chunk_) CO_TRY(co_await begin_chunk());
  co_return chunk_.payload().subspan(filled_, chunk_data_bytes() - filled_);
}

Task<> StripeWriter::begin_stripe() {
  // Parity of the last stripe may still be on its way: it counts among the chunks in flight.
  while (flight_->appending_bytes() > kAppendingBytesMax) {
    co_await flight_->change();
    if (auto reason = flight_->hopeless()) co_return std::move(*reason);
  }

  const erasure::Shape shape = extent_.shape;
  const std::uint32_t chunk_bytes = extent_.geometry.chunk_bytes(stripe_);
  whole_stripe_ = chunk_bytes <= kWholeStripeChunkMax;
  std::uint64_t bytes = (1ULL + shape.parity) * (kPageBytes + chunk_bytes);
  if (whole_stripe_) {
    bytes = 0;
    for (std::uint8_t shard = 0; shard < shape.total(); ++shard) bytes += record_bytes(shard);
  }
  // All a stripe can't do without is taken at once: writers that each hold a part and wait for the rest would wait for
  // ever.
  CO_TRY_LET(Admission::Reservation memory, co_await core_->admission().take(bytes, core_->options().admission_wait));

  for (std::uint8_t i = 0; i < shape.parity; ++i) {
    RecordMemory& parity = parity_.emplace_back(chunk_bytes);
    clear_header(parity);
    if (!whole_stripe_) parity.reservation = memory.split(kPageBytes + chunk_bytes);
  }
  start_chunk(record_bytes(0) - kPageBytes);
  if (whole_stripe_) {
    flight_->hold(std::move(memory), shape.total());
  } else {
    chunk_.reservation = std::move(memory);
  }
  in_stripe_ = true;
  co_return Unit{};
}

Task<> StripeWriter::begin_chunk() {
  const std::uint64_t bytes = record_bytes(shard_);
  while (!whole_stripe_) {
    if ((chunk_ = flight_->take_spare())) {
      chunk_.bytes.resize(bytes);
      clear_header(chunk_);
      break;
    }
    if (flight_->appending_bytes() + bytes <= kAppendingBytesMax) {
      if (auto more = core_->admission().try_take(bytes)) {
        start_chunk(bytes - kPageBytes);
        chunk_.reservation = std::move(more);
        break;
      }
    }
    // The memory this stripe began with is in one of the appends, and comes back as the spare.
    if (auto reason = flight_->hopeless()) co_return std::move(*reason);
    FIRN_ASSERT(flight_->under_way() > 0);
    co_await flight_->change();
  }
  if (whole_stripe_) start_chunk(bytes - kPageBytes);
  flight_->keep_spare(false);
  co_return Unit{};
}

void StripeWriter::start_chunk(std::uint64_t payload_bytes) {
  chunk_ = RecordMemory(payload_bytes);
  clear_header(chunk_);
}

void StripeWriter::advance(std::size_t filled) {
  FIRN_ASSERT(filled == 0 || (chunk_ && filled <= chunk_data_bytes() - filled_));
  position_ += filled;
  filled_ += static_cast<std::uint32_t>(filled);
  if (filled > 0 && filled_ == chunk_data_bytes()) {
    end_chunk();
  } else if (filled_ >= digested_ + kDigestBytesMin) {
    digest(filled_ - filled_ % kBlockBytes);
  }
}

bool StripeWriter::ends_group() const {
  return shard_ % erasure::Codec::kGroupMax + 1 == erasure::Codec::kGroupMax || ends_stripe();
}

std::span<const std::byte* const> StripeWriter::alongside() {
  if (!chunk_ || !ends_group()) return {};
  std::size_t count = 0;
  for (const auto& chunk : group_) alongside_[count++] = chunk->payload().data() + filled_;
  for (RecordMemory& parity : parity_) alongside_[count++] = parity.payload().data() + filled_;
  return std::span(alongside_).first(count);
}

void StripeWriter::digest(std::uint32_t end) {
  const ByteView fresh = chunk_.payload().subspan(digested_, end - digested_);
  checksum_blocks(chunk_.header(), digested_ / kBlockBytes, fresh);
  if (ends_group()) add_to_parity(digested_, end);
  // Of the stripe's last chunk: so far the parity is what it will be.
  if (ends_stripe()) digest_parity(end);
  digested_ = end;
}

void StripeWriter::digest_parity(std::uint32_t end) {
  for (RecordMemory& parity : parity_) {
    const ByteView fresh = parity.payload().subspan(parity_digested_, end - parity_digested_);
    checksum_blocks(parity.header(), parity_digested_ / kBlockBytes, fresh);
  }
  parity_digested_ = end;
}

void StripeWriter::add_to_parity(std::uint32_t begin, std::uint32_t end) {
  boost::container::static_vector<ByteView, erasure::Codec::kGroupMax> data;
  for (const auto& chunk : group_) data.push_back(chunk->payload().subspan(begin, end - begin));
  // The extent's last chunk may be the shortest.
  if (begin < chunk_.payload().size()) data.push_back(chunk_.payload().subspan(begin, end - begin));
  const ParityRange parity(parity_, begin, end);
  const auto first = static_cast<std::uint8_t>(shard_ - group_.size());
  if (data.empty() || begin == end) return;
  if (first == 0) {
    flight_->codec().begin_group(data, parity.rows());
  } else {
    flight_->codec().accumulate_group(first, data, parity.rows());
  }
}

void StripeWriter::end_chunk() {
  const MutableBytes payload = chunk_.payload();
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::ranges::fill(payload.subspan(filled_), std::byte{0});
  digest(size);
  // The parity is as long as the chunk that is the stripe's longest: its first.
  for (RecordMemory& parity : parity_) FIRN_ASSERT(shard_ > 0 || parity.payload().size() == size);
  if (!keep_for_group()) {
    if (!ends_group()) add_to_parity(0, size);
    if (!group_.empty()) add_to_parity(size, static_cast<std::uint32_t>(group_.front()->payload().size()));
    send_chunk();
  }
  filled_ = 0;
  digested_ = 0;
  ++shard_;
  if (complete() || shard_ == extent_.shape.data) end_stripe();
}

bool StripeWriter::keep_for_group() {
  if (ends_group() || parity_.empty()) return false;
  const std::uint64_t bytes = record_bytes(shard_ + 1);
  Admission::Reservation memory;
  if (!whole_stripe_) {
    if (flight_->appending_bytes() + chunk_.bytes.size() + bytes > kAppendingBytesMax) return false;
    memory = core_->admission().try_take(bytes);
    if (!memory) return false;
  }
  name_record(chunk_, extent_, {stripe_, shard_}, owner_);
  group_.push_back(std::make_shared<RecordMemory>(std::exchange(chunk_, {})));
  send(group_.back(), shard_);
  start_chunk(bytes - kPageBytes);
  chunk_.reservation = std::move(memory);
  return true;
}

void StripeWriter::send_chunk() {
  name_record(chunk_, extent_, {stripe_, shard_}, owner_);
  // Set before: the memory of a chunk that needs no append, or whose append has ended, comes back at once.
  if (!whole_stripe_) flight_->keep_spare(true);
  for (auto& chunk : group_) flight_->let_go(std::move(chunk));
  group_.clear();
  send(std::make_shared<RecordMemory>(std::exchange(chunk_, {})), shard_);
}

void StripeWriter::end_stripe() {
  flight_->keep_spare(false);
  for (; shard_ < extent_.shape.data; ++shard_) {  // Zeros past the extent's end: the header page alone.
    const auto empty = std::make_shared<RecordMemory>(0);
    fill_header(*empty, extent_, {stripe_, shard_}, owner_);
    send(empty, shard_);
  }
  if (!parity_.empty()) digest_parity(static_cast<std::uint32_t>(parity_.front().payload().size()));
  for (RecordMemory& parity : parity_) {
    name_record(parity, extent_, {stripe_, shard_}, owner_);
    send(std::make_shared<RecordMemory>(std::move(parity)), shard_++);
  }
  parity_.clear();
  parity_digested_ = 0;
  in_stripe_ = false;
  shard_ = 0;
  ++stripe_;
}

void StripeWriter::send(std::shared_ptr<RecordMemory> record, std::uint8_t shard) {
  if (whole_stripe_ && extent_.geometry.stripes() == 1) {
    held_.push_back({std::move(record), shard});
  } else {
    flight_->start_append(std::move(record), {stripe_, shard}, Flight::After::append);
  }
}

Task<WrittenExtent> StripeWriter::finish() {
  if (!complete()) co_return error(Errc::internal, "an extent was finished before its promised length");
  const bool at_once = !held_.empty();
  for (Held& held : held_) flight_->start_append(std::move(held.record), {0, held.shard}, Flight::After::sync);
  held_.clear();
  co_await flight_->all_ended();
  if (auto reason = flight_->hopeless()) co_return std::move(*reason);
  if (!at_once) {
    flight_->start_syncs(all_shards(extent_.shape));
    co_await flight_->all_ended();
  }
  co_return co_await flight_->settle();
}

}  // namespace firn::volume
