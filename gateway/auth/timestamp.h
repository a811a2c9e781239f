#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "firn/base/clock.h"

namespace firn::gateway {

/// The moment a request was signed, and the text of it that the signature covers. Nothing was signed before 1970.
class SigningTime {
 public:
  /// "20130524T000000Z", as in x-amz-date.
  static std::optional<SigningTime> from_amz_date(std::string_view text);
  /// "Fri, 24 May 2013 00:00:00 GMT" (or +0000) or the form above: a Date header, allowed where x-amz-date is missing.
  static std::optional<SigningTime> from_date_header(std::string_view text);

  UnixMs unix_ms() const { return unix_ms_; }
  std::string_view text() const { return {text_.data(), text_.size()}; }  ///< "20130524T000000Z"
  std::string_view day() const { return text().substr(0, 8); }            ///< "20130524"

 private:
  static constexpr std::size_t kTextBytes = 16;
  UnixMs unix_ms_ = 0;
  std::array<char, kTextBytes> text_{};
};

}  // namespace firn::gateway
