#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "s3/operations.h"

namespace firn::gateway {

namespace {

bool is_write(Verb method) { return method != Verb::get && method != Verb::head; }

/// Parameters that refine an operation and select none, on any method.
constexpr auto kAlwaysPlain = std::to_array<std::string_view>(
    {"x-id", "versionId", "id", "select-type", "AWSAccessKeyId", "Signature", "Expires"});

/// The same on GET and HEAD alone: a write that has one of these means something else.
constexpr auto kPlainOnRead = std::to_array<std::string_view>(
    {"prefix", "delimiter", "marker", "max-keys", "encoding-type", "continuation-token", "start-after", "fetch-owner",
     "key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "max-parts", "part-number-marker",
     "max-buckets", "bucket-region", "partNumber"});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_plain(Verb method, std::string_view name) {
  // X-Amz-* are the signature's and, in presigned requests, headers put into the query.
  if (contains(kAlwaysPlain, name) || boost::algorithm::istarts_with(name, "x-amz-")) return true;
  return !is_write(method) && (contains(kPlainOnRead, name) || name.starts_with("response-"));
}

/// The parts of "analytics&id".
std::string_view selector(const Operation& operation) {
  return operation.subresource.substr(0, operation.subresource.find('&'));
}
std::string_view companion(const Operation& operation) {
  const auto mark = operation.subresource.find('&');
  return mark == std::string_view::npos ? std::string_view{} : operation.subresource.substr(mark + 1);
}

/// The row that `parameter` (empty: none) selects. Of two the more particular one: with a header or a companion.
const Operation* select(Verb method, Scope scope, std::string_view parameter, const Query& query,
                        const Fields& headers) {
  const Operation* selected = nullptr;
  for (const Operation& row : operations()) {
    if (row.method != method || row.scope != scope || selector(row) != parameter) continue;
    if (!row.header.empty() && headers.find(row.header) == headers.end()) continue;
    if (!companion(row).empty() && !query.has(companion(row))) continue;
    if (!selected || !row.header.empty() || !companion(row).empty()) selected = &row;
  }
  return selected;
}

/// Whether another method has a row for it: then it is no plain request, whatever this method makes of it.
bool selects_elsewhere(Scope scope, std::string_view parameter) {
  const auto rows = operations();
  return std::any_of(rows.begin(), rows.end(), [&](const Operation& row) {
    return row.scope == scope && !row.subresource.empty() && selector(row) == parameter;
  });
}

}  // namespace

const Operation& route(Verb method, Scope scope, const Query& query, const Fields& headers) {
  const Operation* selected = nullptr;
  bool stray = false;
  for (const Query::Parameter& parameter : query.parameters()) {
    if (is_plain(method, parameter.name)) continue;
    if (const Operation* row = select(method, scope, parameter.name, query, headers); row && !parameter.name.empty()) {
      if (selected && selected != row)
        return not_implemented_operation();  // Two sub-resources at once: AWS has none such.
      selected = row;
    } else if (selects_elsewhere(scope, parameter.name)) {
      stray = true;
    } else if (is_write(method) && parameter.value.empty()) {
      return not_implemented_operation();
    }
  }
  if (selected) return *selected;
  if (stray) return method_not_allowed_operation();
  const Operation* plain = select(method, scope, {}, query, headers);
  return plain ? *plain : method_not_allowed_operation();
}

}  // namespace firn::gateway
