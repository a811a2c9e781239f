#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "firn/base/buffer.h"

namespace firn::fuzz {

/// The first bytes of `input` as a structure of the disk, zeros behind them: short inputs reach its first fields.
template <class Page>
Page page_of(std::string_view input) {
  Page page{};
  std::memcpy(static_cast<void*>(&page), input.data(), std::min(input.size(), sizeof page));
  return page;
}

template <class Page>
ByteView bytes_of(const Page& page) {
  return std::as_bytes(std::span(&page, 1));
}

/// What lies behind a page that `page_of` took.
template <class Page>
std::string_view behind(std::string_view input) {
  return input.substr(std::min(input.size(), sizeof(Page)));
}

}  // namespace firn::fuzz
