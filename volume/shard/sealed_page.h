#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "firn/base/buffer.h"
#include "firn/base/checksum.h"

/// Pages that begin with a magic number and an XXH3-64 of themselves.
namespace firn::volume {

/// XXH3-64 of `page` with its `xxh3` field taken as zero.
template <class Page>
std::uint64_t page_checksum(const Page& page) {
  Page copy = page;
  copy.xxh3 = 0;
  return xxh3(std::as_bytes(std::span(&copy, 1)));
}

/// The last thing before a page is written.
template <class Page>
void seal_page(Page& page) {
  page.xxh3 = page_checksum(page);
}

/// Magic and checksum, before any other field is believed.
template <class Page>
bool is_sealed(const Page& page, std::uint64_t magic) {
  return page.magic == magic && page.xxh3 == page_checksum(page);
}

template <std::size_t N>
bool all_zero(const std::uint8_t (&bytes)[N]) {
  return std::all_of(bytes, bytes + N, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace firn::volume
