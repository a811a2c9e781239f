#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "firn/objects/body.h"

namespace firn::test {

/// A body at hand, given out in uneven pieces.
class TextSource final : public objects::BodySource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::string trailer, sha256;  ///< Raw.
  std::optional<Errc> end_failure;
  std::optional<std::uint64_t> stated_length;  ///< When it is not the text's.

  std::uint64_t length_bytes() const override { return stated_length.value_or(text_.size()); }
  Task<std::size_t> read(MutableBytes into) override {
    constexpr std::size_t kPieceBytes = 3'001;
    const std::size_t count = std::min({into.size(), text_.size() - at_, kPieceBytes});
    if (count == 0 && end_failure) co_return *end_failure;
    std::memcpy(into.data(), text_.data() + at_, count);
    at_ += count;
    co_return count;
  }
  Result<std::string> trailing_checksum() override { return trailer; }
  std::string_view verified_sha256() const override { return sha256; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace firn::test
