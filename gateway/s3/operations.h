#pragma once

#include <span>

#include "s3/operation.h"

namespace firn::gateway {

/// Every operation S3 has, in the order of docs/s3-compatibility.md. Those Firn does not offer answer NotImplemented.
std::span<const Operation> operations();

/// Whether the row's handler is more than the answer NotImplemented.
bool is_implemented(const Operation& operation);

/// What a request gets that no row of the table names.
const Operation& not_implemented_operation();
const Operation& method_not_allowed_operation();

}  // namespace firn::gateway
