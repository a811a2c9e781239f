#include "firn/erasure/codec.h"

#include <isa-l/erasure_code.h>

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <vector>

namespace firn::erasure {
namespace {

constexpr std::size_t kShardsMax = kDataShardsMax + kParityShardsMax;
constexpr std::size_t kTableBytes = 32;   // What ISA-L expands one coefficient to.
constexpr std::size_t kVectorBytes = 64;  // Of the widest unit ISA-L uses.

/// Row-major coefficients: each shard as a combination of the data shards.
using Rows = std::array<unsigned char, kShardsMax * kDataShardsMax>;
using ExpandedRows = std::array<unsigned char, kTableBytes * kShardsMax * kDataShardsMax>;

/// The data shards themselves, then the parities.
Rows encoding_rows(Shape shape) {
  Rows rows{};
  gf_gen_cauchy1_matrix(rows.data(), shape.total(), shape.data);
  // One data shard: parities are plain copies (a Cauchy row would be a multiple of it).
  if (shape.data == 1) rows.fill(1);
  return rows;
}

unsigned char* as_uchar(MutableBytes bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

int as_length(std::size_t bytes) {
  FIRN_ASSERT(bytes <= INT_MAX);
  return static_cast<int>(bytes);
}

/// The shards of `mask` in order, at most `limit` of them.
struct ShardList {
  std::array<std::uint8_t, kShardsMax> index{};
  std::size_t count = 0;

  ShardList(ShardMask mask, std::size_t limit) {
    for (; mask != 0 && count < limit; mask &= mask - 1) {
      index[count++] = static_cast<std::uint8_t>(std::countr_zero(mask));
    }
  }
  const std::uint8_t* begin() const { return index.data(); }
  const std::uint8_t* end() const { return index.data() + count; }
};

/// Each wanted shard as a combination of the k source shards: its encoding row times the inverse of the sources' rows.
Rows decoding_rows(const Rows& encoding, std::size_t k, const ShardList& sources, const ShardList& wanted) {
  Rows square{};
  std::size_t at = 0;
  for (const std::uint8_t source : sources) {
    for (std::size_t column = 0; column < k; ++column) square[at++] = encoding[source * k + column];
  }
  Rows inverse{};
  // Any k rows of a Cauchy matrix under an identity are independent: a failure here would be a bug of ours.
  FIRN_ASSERT(gf_invert_matrix(square.data(), inverse.data(), static_cast<int>(k)) == 0);

  Rows decoding{};
  at = 0;
  for (const std::uint8_t shard : wanted) {
    for (std::size_t column = 0; column < k; ++column) {
      unsigned char sum = 0;
      for (std::size_t i = 0; i < k; ++i) sum ^= gf_mul(encoding[shard * k + i], inverse[i * k + column]);
      decoding[at++] = sum;
    }
  }
  return decoding;
}

using Outputs = std::array<unsigned char*, kParityShardsMax>;

Outputs parity_outputs(std::span<const MutableBytes> parity, std::size_t length_bytes) {
  Outputs outputs{};
  for (std::size_t i = 0; i < parity.size(); ++i) {
    FIRN_ASSERT(parity[i].size() == length_bytes);
    outputs[i] = as_uchar(parity[i]);
  }
  return outputs;
}

// ISA-L's signatures lack const: it reads tables and data.
unsigned char* as_input(ByteView data) { return reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data())); }
unsigned char* as_input(ByteView data, std::size_t length_bytes) {
  FIRN_ASSERT(data.size() == length_bytes);
  return as_input(data);
}
unsigned char* as_tables(const unsigned char* tables) { return const_cast<unsigned char*>(tables); }

}  // namespace

bool valid(Shape shape) { return shape.data >= 1 && shape.data <= kDataShardsMax && shape.parity <= kParityShardsMax; }

/// As ISA-L wants coefficients, for each size of a group.
using GroupTables = std::array<std::vector<unsigned char>, Codec::kGroupMax + 1>;

struct Codec::Tables {
  explicit Tables(Shape of);
  unsigned char coefficient(std::size_t row, std::size_t data) const {
    return encoding[(std::size_t{shape.data} + row) * shape.data + data];
  }
  /// Each parity as a combination of `count` data shards, and before them, if `adding`, of all parities: itself.
  std::vector<unsigned char> expand(std::size_t first, std::size_t count, bool adding) const;

  Shape shape;
  Rows encoding{};
  std::vector<unsigned char> parity;  ///< For accumulate: the parity rows alone, expanded.
  GroupTables begin;                  ///< For begin_group.
  std::vector<GroupTables> add;       ///< For accumulate_group, by the first shard's index.
};

Codec::Tables::Tables(Shape of) : shape(of), encoding(encoding_rows(of)) {
  if (shape.parity == 0) return;
  parity = expand(0, shape.data, false);
  const auto group_from = [this](std::size_t first) { return std::min(kGroupMax, shape.data - first); };
  for (std::size_t count = 1; count <= group_from(0); ++count) begin[count] = expand(0, count, false);
  add.resize(shape.data);
  for (std::size_t first = 0; first < shape.data; ++first) {
    for (std::size_t count = 2; count <= group_from(first); ++count) add[first][count] = expand(first, count, true);
  }
}

std::vector<unsigned char> Codec::Tables::expand(std::size_t first, std::size_t count, bool adding) const {
  const std::size_t before = adding ? shape.parity : 0;
  const std::size_t width = before + count;
  std::vector<unsigned char> rows(shape.parity * width);
  for (std::size_t row = 0; row < shape.parity; ++row) {
    if (adding) rows[row * width + row] = 1;
    for (std::size_t i = 0; i < count; ++i) rows[row * width + before + i] = coefficient(row, first + i);
  }
  std::vector<unsigned char> expanded(kTableBytes * rows.size());
  ec_init_tables(static_cast<int>(width), shape.parity, rows.data(), expanded.data());
  return expanded;
}

Codec::Codec(Shape shape) {
  FIRN_ASSERT(valid(shape));
  tables_ = std::make_unique<const Tables>(shape);
}

Codec::~Codec() = default;
Codec::Codec(Codec&&) noexcept = default;

Shape Codec::shape() const { return tables_->shape; }

void Codec::accumulate(std::uint8_t index, ByteView data, std::span<const MutableBytes> parity) const {
  const Shape shape = tables_->shape;
  FIRN_ASSERT(index < shape.data && parity.size() == shape.parity);
  Outputs outputs = parity_outputs(parity, data.size());
  if (data.empty() || shape.parity == 0) return;
  ec_encode_data_update(as_length(data.size()), shape.data, shape.parity, index, as_tables(tables_->parity.data()),
                        as_input(data), outputs.data());
}

void Codec::begin_group(std::span<const ByteView> data, std::span<const MutableBytes> parity) const {
  const std::size_t m = tables_->shape.parity;
  FIRN_ASSERT(!data.empty() && data.size() <= kGroupMax && data.size() <= tables_->shape.data && parity.size() == m);
  const std::size_t length_bytes = data.front().size();
  Outputs outputs = parity_outputs(parity, length_bytes);
  std::array<unsigned char*, kGroupMax> inputs{};
  for (std::size_t i = 0; i < data.size(); ++i) inputs[i] = as_input(data[i], length_bytes);
  if (length_bytes == 0 || m == 0) return;
  ec_encode_data(as_length(length_bytes), static_cast<int>(data.size()), static_cast<int>(m),
                 as_tables(tables_->begin[data.size()].data()), inputs.data(), outputs.data());
}

void Codec::accumulate_group(std::uint8_t first, std::span<const ByteView> data,
                             std::span<const MutableBytes> parity) const {
  const std::size_t m = tables_->shape.parity;
  FIRN_ASSERT(!data.empty() && data.size() <= kGroupMax && first + data.size() <= tables_->shape.data);
  FIRN_ASSERT(parity.size() == m);
  const std::size_t length_bytes = data.front().size();
  // Results lie where the parities came from: fine for whole vectors, each of which is read before it is written; at an
  // odd end ISA-L would go over some bytes twice.
  const std::size_t whole = data.size() == 1 ? 0 : length_bytes - length_bytes % kVectorBytes;
  if (whole > 0 && m > 0) {
    Outputs outputs = parity_outputs(parity, length_bytes);
    std::array<unsigned char*, kParityShardsMax + kGroupMax> inputs{};
    std::ranges::copy(outputs, inputs.begin());
    for (std::size_t i = 0; i < data.size(); ++i) inputs[m + i] = as_input(data[i], length_bytes);
    ec_encode_data(as_length(whole), static_cast<int>(m + data.size()), static_cast<int>(m),
                   as_tables(tables_->add[first][data.size()].data()), inputs.data(), outputs.data());
  }
  std::array<MutableBytes, kParityShardsMax> rest;
  for (std::size_t i = 0; i < m; ++i) rest[i] = parity[i].subspan(whole);
  for (std::size_t i = 0; i < data.size(); ++i) {
    accumulate(static_cast<std::uint8_t>(first + i), data[i].subspan(whole), std::span(rest).first(m));
  }
}

Result<> Codec::rebuild(ShardMask present, ShardMask wanted, std::span<const MutableBytes> shards) const {
  const std::size_t k = tables_->shape.data;
  FIRN_ASSERT(shards.size() == tables_->shape.total());
  FIRN_ASSERT(((present | wanted) >> shards.size()) == 0 && (present & wanted) == 0);
  const ShardList sources(present, k);
  const ShardList outputs(wanted, kShardsMax);
  if (sources.count < k) return Errc::corrupt;
  if (outputs.count == 0) return Unit{};

  const std::size_t length_bytes = shards[sources.index[0]].size();
  std::array<unsigned char*, kShardsMax> from{};
  std::array<unsigned char*, kShardsMax> to{};
  for (std::size_t i = 0; i < k; ++i) from[i] = as_uchar(shards[sources.index[i]]);
  for (std::size_t i = 0; i < outputs.count; ++i) to[i] = as_uchar(shards[outputs.index[i]]);
  for (const std::uint8_t shard : sources) FIRN_ASSERT(shards[shard].size() == length_bytes);
  for (const std::uint8_t shard : outputs) FIRN_ASSERT(shards[shard].size() == length_bytes);
  if (length_bytes == 0) return Unit{};

  // Made anew each time: 0.6 µs at 4+2 and 20 µs at 16+4 (bench/micro) are lost beside the reads of k shards, and spare
  // the codec a cache and its lock.
  Rows rows = decoding_rows(tables_->encoding, k, sources, outputs);
  ExpandedRows tables;
  ec_init_tables(static_cast<int>(k), static_cast<int>(outputs.count), rows.data(), tables.data());
  ec_encode_data(as_length(length_bytes), static_cast<int>(k), static_cast<int>(outputs.count), tables.data(),
                 from.data(), to.data());
  return Unit{};
}

}  // namespace firn::erasure
