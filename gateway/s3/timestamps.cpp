#include "s3/timestamps.h"

#include <array>
#include <charconv>
#include <chrono>

namespace firn::gateway {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Calendar {
  int year = 1970;
  unsigned month = 1, day = 1, weekday = 0;
  unsigned hour = 0, minute = 0, second = 0, millisecond = 0;
};

Calendar calendar_of(UnixMs time) {
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time)};
  const auto days = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date{days};
  const auto rest = static_cast<unsigned>((point - days).count());
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .weekday = std::chrono::weekday(days).c_encoding(),
          .hour = rest / 3'600'000,
          .minute = rest / 60'000 % 60,
          .second = rest / 1'000 % 60,
          .millisecond = rest % 1'000};
}

std::optional<UnixMs> time_of(const Calendar& c) {
  const std::chrono::year_month_day date{std::chrono::year(c.year), std::chrono::month(c.month),
                                         std::chrono::day(c.day)};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<UnixMs>(days) * 86'400'000 + c.hour * 3'600'000LL + c.minute * 60'000LL + c.second * 1'000LL;
}

/// Digits at fixed places: the only formatting a LIST of thousands of entries pays for.
void put_digits(char* out, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

/// Reads a date piece by piece; every step fails for good once one has failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool done() const { return ok_ && text_.empty(); }
  void literal(std::string_view expected) {
    ok_ = ok_ && text_.starts_with(expected);
    if (ok_) text_.remove_prefix(expected.size());
  }
  unsigned number(std::size_t digits) {
    unsigned value = 0;
    ok_ = ok_ && text_.size() >= digits;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      ok_ = text_[i] >= '0' && text_[i] <= '9';
      value = value * 10 + static_cast<unsigned>(text_[i] - '0');
    }
    if (ok_) text_.remove_prefix(digits);
    return value;
  }
  unsigned month() {
    for (unsigned i = 0; ok_ && i < kMonths.size(); ++i) {
      if (!text_.starts_with(kMonths[i])) continue;
      text_.remove_prefix(kMonths[i].size());
      return i + 1;
    }
    ok_ = false;
    return 0;
  }
  void skip_past(std::string_view mark) {
    const auto at = text_.find(mark);
    ok_ = ok_ && at != std::string_view::npos;
    if (ok_) text_.remove_prefix(at + mark.size());
  }
  bool next_is(char c) const { return ok_ && !text_.empty() && text_.front() == c; }
  void skip_digits() {
    while (ok_ && !text_.empty() && text_.front() >= '0' && text_.front() <= '9') text_.remove_prefix(1);
  }
  void time(Calendar& c) {
    c.hour = number(2);
    literal(":");
    c.minute = number(2);
    literal(":");
    c.second = number(2);
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<UnixMs> parse_rfc1123(std::string_view text) {
  Scanner scan(text);
  Calendar c;
  scan.skip_past(", ");
  c.day = scan.number(2);
  scan.literal(" ");
  c.month = scan.month();
  scan.literal(" ");
  c.year = static_cast<int>(scan.number(4));
  scan.literal(" ");
  scan.time(c);
  scan.literal(" GMT");
  return scan.done() ? time_of(c) : std::nullopt;
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<UnixMs> parse_rfc850(std::string_view text) {
  constexpr int kPivot = 70;  // Two-digit years from here on are of the last century: before 1970 there is no UnixMs.
  Scanner scan(text);
  Calendar c;
  scan.skip_past(", ");
  c.day = scan.number(2);
  scan.literal("-");
  c.month = scan.month();
  scan.literal("-");
  const int year = static_cast<int>(scan.number(2));
  c.year = year + (year < kPivot ? 2000 : 1900);
  scan.literal(" ");
  scan.time(c);
  scan.literal(" GMT");
  return scan.done() ? time_of(c) : std::nullopt;
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<UnixMs> parse_asctime(std::string_view text) {
  Scanner scan(text);
  Calendar c;
  scan.skip_past(" ");
  c.month = scan.month();
  scan.literal(" ");
  if (scan.next_is(' ')) {
    scan.literal(" ");
    c.day = scan.number(1);
  } else {
    c.day = scan.number(2);
  }
  scan.literal(" ");
  scan.time(c);
  scan.literal(" ");
  c.year = static_cast<int>(scan.number(4));
  return scan.done() ? time_of(c) : std::nullopt;
}

/// "1994-11-06T08:49:37Z", with any fraction of a second.
std::optional<UnixMs> parse_iso8601(std::string_view text) {
  Scanner scan(text);
  Calendar c;
  c.year = static_cast<int>(scan.number(4));
  scan.literal("-");
  c.month = scan.number(2);
  scan.literal("-");
  c.day = scan.number(2);
  scan.literal("T");
  scan.time(c);
  if (scan.next_is('.')) {
    scan.literal(".");
    scan.skip_digits();
  }
  scan.literal("Z");
  return scan.done() ? time_of(c) : std::nullopt;
}

}  // namespace

std::string iso8601(UnixMs time) {
  const Calendar c = calendar_of(time);
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text.data(), static_cast<unsigned>(c.year), 4);
  put_digits(text.data() + 5, c.month, 2);
  put_digits(text.data() + 8, c.day, 2);
  put_digits(text.data() + 11, c.hour, 2);
  put_digits(text.data() + 14, c.minute, 2);
  put_digits(text.data() + 17, c.second, 2);
  put_digits(text.data() + 20, c.millisecond, 3);
  return text;
}

std::string http_date(UnixMs time) {
  const Calendar c = calendar_of(time);
  std::string text = "Thu, 01 Jan 1970 00:00:00 GMT";
  text.replace(0, 3, kDays[c.weekday]);
  put_digits(text.data() + 5, c.day, 2);
  text.replace(8, 3, kMonths[c.month - 1]);
  put_digits(text.data() + 12, static_cast<unsigned>(c.year), 4);
  put_digits(text.data() + 17, c.hour, 2);
  put_digits(text.data() + 20, c.minute, 2);
  put_digits(text.data() + 23, c.second, 2);
  return text;
}

std::optional<UnixMs> parse_date(std::string_view text) {
  for (const auto parse : {parse_rfc1123, parse_iso8601, parse_rfc850, parse_asctime}) {
    if (const auto time = parse(text)) return time;
  }
  return std::nullopt;
}

}  // namespace firn::gateway
