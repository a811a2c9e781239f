#include "auth/timestamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace firn::gateway {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A run of decimal digits of fixed width; -1 if there is anything else in it.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct CivilTime {
  int year, month, day, hour, minute, second;
};

std::optional<UnixMs> to_unix_ms(const CivilTime& civil) {
  using namespace std::chrono;
  const year_month_day date{year{civil.year}, month{static_cast<unsigned>(civil.month)},
                            day{static_cast<unsigned>(civil.day)}};
  const bool in_range = civil.year >= 0 && civil.month > 0 && civil.day > 0 && civil.hour >= 0 && civil.hour < 24 &&
                        civil.minute >= 0 && civil.minute < 60 && civil.second >= 0 && civil.second <= 60;
  if (!in_range || !date.ok()) return std::nullopt;
  const auto moment = sys_days{date} + hours{civil.hour} + minutes{civil.minute} + seconds{civil.second};
  return duration_cast<milliseconds>(moment.time_since_epoch()).count();
}

}  // namespace

std::optional<SigningTime> SigningTime::from_amz_date(std::string_view text) {
  if (text.size() != kTextBytes || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto unix_ms = to_unix_ms({digits(text, 0, 4), digits(text, 4, 2), digits(text, 6, 2), digits(text, 9, 2),
                                   digits(text, 11, 2), digits(text, 13, 2)});
  if (!unix_ms || *unix_ms < 0) return std::nullopt;
  SigningTime time;
  time.unix_ms_ = *unix_ms;
  std::copy(text.begin(), text.end(), time.text_.begin());
  return time;
}

std::optional<SigningTime> SigningTime::from_date_header(std::string_view text) {
  if (text.size() == kTextBytes) return from_amz_date(text);
  // "Fri, 24 May 2013 00:00:00 GMT": the day of the week is not checked, nothing hangs on it. botocore writes -0000.
  constexpr std::size_t kZoneAt = 25;
  constexpr auto kZones = std::to_array<std::string_view>({" GMT", " UTC", " +0000", " -0000"});
  if (text.size() < kZoneAt || text.substr(3, 2) != ", ") return std::nullopt;
  if (std::find(kZones.begin(), kZones.end(), text.substr(kZoneAt)) == kZones.end()) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return from_amz_date(fmt::format("{}{:02}{}T{}{}{}Z", text.substr(12, 4), month - kMonths.begin() + 1,
                                   text.substr(5, 2), text.substr(17, 2), text.substr(20, 2), text.substr(23, 2)));
}

}  // namespace firn::gateway
