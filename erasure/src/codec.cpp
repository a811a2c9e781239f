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
unsigned char* as_tables(const unsigned char* tables) { return const_cast<unsigned char*>(tables); }

}  // namespace

bool valid(Shape shape) { return shape.data >= 1 && shape.data <= kDataShardsMax && shape.parity <= kParityShardsMax; }

struct Codec::Tables {
  Shape shape;
  Rows encoding{};
  /// For accumulate: the parity rows alone, expanded.
  std::vector<unsigned char> parity;
  /// For begin: of these, what data shard 0 is multiplied by.
  std::array<unsigned char, kTableBytes * kParityShardsMax> first{};
  /// For begin_pair: the same of data shards 0 and 1.
  std::vector<unsigned char> first_pair;
  /// For accumulate_pair, by half the index: each parity as a combination of all parities (itself) and the pair.
  std::vector<std::vector<unsigned char>> pairs;

  unsigned char coefficient(std::size_t row, std::size_t data) const {
    return encoding[(std::size_t{shape.data} + row) * shape.data + data];
  }
  void expand_pairs();
};

void Codec::Tables::expand_pairs() {
  const std::size_t m = shape.parity;
  for (std::size_t index = 0; index + 1 < shape.data; index += 2) {
    const std::size_t width = index == 0 ? 2 : m + 2;
    std::vector<unsigned char> rows(m * width);
    for (std::size_t row = 0; row < m; ++row) {
      if (index > 0) rows[row * width + row] = 1;
      rows[(row + 1) * width - 2] = coefficient(row, index);
      rows[(row + 1) * width - 1] = coefficient(row, index + 1);
    }
    std::vector<unsigned char> expanded(kTableBytes * rows.size());
    ec_init_tables(static_cast<int>(width), static_cast<int>(m), rows.data(), expanded.data());
    if (index == 0) {
      first_pair = std::move(expanded);
      pairs.emplace_back();
    } else {
      pairs.push_back(std::move(expanded));
    }
  }
}

Codec::Codec(Shape shape) {
  FIRN_ASSERT(valid(shape));
  auto tables = std::make_unique<Tables>();
  tables->shape = shape;
  tables->encoding = encoding_rows(shape);
  if (shape.parity > 0) {
    tables->parity.resize(kTableBytes * shape.data * shape.parity);
    ec_init_tables(shape.data, shape.parity, &tables->encoding[std::size_t{shape.data} * shape.data],
                   tables->parity.data());
    for (std::size_t row = 0; row < shape.parity; ++row) {
      std::copy_n(&tables->parity[row * shape.data * kTableBytes], kTableBytes, &tables->first[row * kTableBytes]);
    }
    tables->expand_pairs();
  }
  tables_ = std::move(tables);
}

Codec::~Codec() = default;
Codec::Codec(Codec&&) noexcept = default;

Shape Codec::shape() const { return tables_->shape; }

void Codec::begin(ByteView data, std::span<const MutableBytes> parity) const {
  FIRN_ASSERT(parity.size() == tables_->shape.parity);
  Outputs outputs = parity_outputs(parity, data.size());
  if (data.empty() || parity.empty()) return;
  unsigned char* input = as_input(data);
  ec_encode_data(as_length(data.size()), 1, tables_->shape.parity, as_tables(tables_->first.data()), &input,
                 outputs.data());
}

void Codec::accumulate(std::uint8_t index, ByteView data, std::span<const MutableBytes> parity) const {
  const Shape shape = tables_->shape;
  FIRN_ASSERT(index < shape.data && parity.size() == shape.parity);
  Outputs outputs = parity_outputs(parity, data.size());
  if (data.empty() || shape.parity == 0) return;
  ec_encode_data_update(as_length(data.size()), shape.data, shape.parity, index, as_tables(tables_->parity.data()),
                        as_input(data), outputs.data());
}

void Codec::begin_pair(ByteView first, ByteView second, std::span<const MutableBytes> parity) const {
  FIRN_ASSERT(tables_->shape.data >= 2 && parity.size() == tables_->shape.parity && second.size() == first.size());
  Outputs outputs = parity_outputs(parity, first.size());
  if (first.empty() || parity.empty()) return;
  std::array<unsigned char*, 2> inputs{as_input(first), as_input(second)};
  ec_encode_data(as_length(first.size()), 2, tables_->shape.parity, as_tables(tables_->first_pair.data()),
                 inputs.data(), outputs.data());
}

void Codec::accumulate_pair(std::uint8_t index, ByteView first, ByteView second,
                            std::span<const MutableBytes> parity) const {
  const std::size_t m = tables_->shape.parity;
  FIRN_ASSERT(index > 0 && index % 2 == 0 && index + 1 < tables_->shape.data);
  FIRN_ASSERT(parity.size() == m && second.size() == first.size());
  Outputs outputs = parity_outputs(parity, first.size());
  if (m == 0) return;
  // Results lie where the parities came from: fine for whole vectors, each of which is read before it is written; at an
  // odd end ISA-L would go over some bytes twice.
  const std::size_t whole = first.size() - first.size() % kVectorBytes;
  if (whole > 0) {
    std::array<unsigned char*, kParityShardsMax + 2> inputs{};
    std::ranges::copy(outputs, inputs.begin());
    inputs[m] = as_input(first);
    inputs[m + 1] = as_input(second);
    ec_encode_data(as_length(whole), static_cast<int>(m + 2), static_cast<int>(m),
                   as_tables(tables_->pairs[index / 2].data()), inputs.data(), outputs.data());
  }
  if (whole == first.size()) return;
  std::array<MutableBytes, kParityShardsMax> rest;
  for (std::size_t i = 0; i < m; ++i) rest[i] = parity[i].subspan(whole);
  accumulate(index, first.subspan(whole), std::span(rest).first(m));
  accumulate(index + 1, second.subspan(whole), std::span(rest).first(m));
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
