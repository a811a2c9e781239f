#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_metadata.h"
#include "fake_volumes.h"
#include "firn/objects/store.h"
#include "s3/operation.h"
#include "s3/request.h"

namespace firn::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// An answer as a client sees it.
struct Answer {
  unsigned status = 0;
  Headers headers;
  std::string body;
  std::string operation;  ///< Name of the row that answered.

  /// A header's value; empty if absent.
  std::string header(std::string_view name) const;
  /// The text of the first element of that name, as it stands in the document; empty if there is none.
  std::string element(std::string_view name) const;
  /// Of every element of that name.
  std::vector<std::string> elements(std::string_view name) const;
  std::string code() const { return element("Code"); }
};

/// S3 without sockets: requests go through the operation table to the real handlers and store, over fake tiers.
struct S3Fixture : ::testing::Test {
  FakeMetadata metadata;
  FakeVolumes volumes;
  objects::Store store{metadata, volumes, {.gateway = Uuid{{7}}}};
  std::string region = "us-east-1";
  Headers trailers;                            ///< Of the next request: announced and sent.
  bool send_length = true;                     ///< Of the next request.
  std::optional<std::uint64_t> stated_length;  ///< Of the next request, when it isn't the body's.
  std::string signed_sha256;                   ///< Of the next request, raw.

  S3Fixture();

  /// `line` is "PUT /bucket/key?tagging": the path percent-decoded here as the session does it.
  Answer send(const std::string& line, const Headers& headers = {}, const std::string& body = {});
  /// A digest header that DeleteObjects wants.
  static Headers with_md5(const std::string& body);
  /// Sends a whole small multipart upload; returns the complete's answer.
  Answer multipart(const std::string& path, const std::vector<std::string>& parts, const Headers& create_headers = {});
  std::string start_upload(const std::string& path, const Headers& headers = {});

  static std::string text_of(std::size_t bytes, unsigned seed = 1);
};

}  // namespace firn::test
