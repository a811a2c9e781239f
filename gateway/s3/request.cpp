#include "s3/request.h"

namespace firn::gateway {

const std::string* Query::find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

std::string_view Request::header(std::string_view name) const {
  const auto found = headers->find(name);
  if (found == headers->end()) return {};
  const std::string_view value = found->value();
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

bool Request::has_header(std::string_view name) const { return headers->find(name) != headers->end(); }

}  // namespace firn::gateway
