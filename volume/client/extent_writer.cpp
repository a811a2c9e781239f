#include "extent_writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

/// Records being appended beyond the one being filled and the stripe's parity: enough to keep the drives of a 4+2 set
/// busy while the next chunk arrives.
constexpr std::uint64_t kChunksInFlight = 4;
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

std::span<const std::byte* const> StripeWriter::alongside() {
  if (shard_ % 2 == 0 || parity_.empty()) return {};  // It is added to the parity with its neighbour.
  std::size_t count = 0;
  if (even_) alongside_[count++] = even_.payload().data() + filled_;
  for (RecordMemory& parity : parity_) alongside_[count++] = parity.payload().data() + filled_;
  return std::span(alongside_).first(count);
}

void StripeWriter::digest(std::uint32_t end) {
  const ByteView fresh = chunk_.payload().subspan(digested_, end - digested_);
  checksum_blocks(chunk_.header(), digested_ / kBlockBytes, fresh);
  if (even_) {
    const ParityRange parity(parity_, digested_, end);
    const ByteView neighbour = even_.payload().subspan(digested_, fresh.size());
    if (shard_ == 1) {
      flight_->codec().begin_pair(neighbour, fresh, parity.rows());
    } else {
      flight_->codec().accumulate_pair(shard_ - 1, neighbour, fresh, parity.rows());
    }
  } else if (shard_ % 2 == 1) {
    add_parity(chunk_, shard_, digested_, end);
  }
  // The stripe's last data: so far the parity is what it will be.
  if (shard_ % 2 == 1 && shard_ + 1 == extent_.shape.data) digest_parity(end);
  digested_ = end;
}

void StripeWriter::digest_parity(std::uint32_t end) {
  for (RecordMemory& parity : parity_) {
    const ByteView fresh = parity.payload().subspan(parity_digested_, end - parity_digested_);
    checksum_blocks(parity.header(), parity_digested_ / kBlockBytes, fresh);
  }
  parity_digested_ = end;
}

void StripeWriter::add_parity(RecordMemory& chunk, std::uint8_t shard, std::uint32_t begin, std::uint32_t end) {
  const ParityRange parity(parity_, begin, end);
  const ByteView bytes = chunk.payload().subspan(begin, end - begin);
  if (shard == 0) {
    flight_->codec().begin(bytes, parity.rows());
  } else {
    flight_->codec().accumulate(shard, bytes, parity.rows());
  }
}

void StripeWriter::end_chunk() {
  const MutableBytes payload = chunk_.payload();
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::ranges::fill(payload.subspan(filled_), std::byte{0});
  digest(size);
  // The parity is as long as the chunk that is the stripe's longest: its first.
  for (RecordMemory& parity : parity_) FIRN_ASSERT(shard_ > 0 || parity.payload().size() == size);
  if (!hold_for_pair()) {
    if (shard_ % 2 == 0) add_parity(chunk_, shard_, 0, size);
    if (even_) {  // It may be longer than the extent's last chunk.
      add_parity(even_, shard_ - 1, size, static_cast<std::uint32_t>(even_.payload().size()));
      send_chunk(std::exchange(even_, {}), shard_ - 1);
    }
    send_chunk(std::exchange(chunk_, {}), shard_);
  }
  filled_ = 0;
  digested_ = 0;
  ++shard_;
  if (complete() || shard_ == extent_.shape.data) end_stripe();
}

bool StripeWriter::hold_for_pair() {
  if (shard_ % 2 == 1 || shard_ + 1 == extent_.shape.data || complete()) return false;
  const std::uint64_t bytes = record_bytes(shard_ + 1);
  Admission::Reservation memory;
  if (!whole_stripe_) {
    if (flight_->appending_bytes() + chunk_.bytes.size() + bytes > kAppendingBytesMax) return false;
    memory = core_->admission().try_take(bytes);
    if (!memory) return false;
  }
  even_ = std::exchange(chunk_, {});
  start_chunk(bytes - kPageBytes);
  chunk_.reservation = std::move(memory);
  return true;
}

void StripeWriter::send_chunk(RecordMemory chunk, std::uint8_t shard) {
  name_record(chunk, extent_, {stripe_, shard}, owner_);
  // Set before sending: the memory of a chunk that needs no append comes back at once.
  if (!whole_stripe_) flight_->keep_spare(true);
  send(std::move(chunk), shard);
}

void StripeWriter::end_stripe() {
  flight_->keep_spare(false);
  for (; shard_ < extent_.shape.data; ++shard_) {  // Zeros past the extent's end: the header page alone.
    RecordMemory empty(0);
    fill_header(empty, extent_, {stripe_, shard_}, owner_);
    send(std::move(empty), shard_);
  }
  if (!parity_.empty()) digest_parity(static_cast<std::uint32_t>(parity_.front().payload().size()));
  for (RecordMemory& parity : parity_) {
    name_record(parity, extent_, {stripe_, shard_}, owner_);
    send(std::move(parity), shard_++);
  }
  parity_.clear();
  parity_digested_ = 0;
  in_stripe_ = false;
  shard_ = 0;
  ++stripe_;
}

void StripeWriter::send(RecordMemory record, std::uint8_t shard) {
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
