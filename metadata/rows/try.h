#pragma once

#include "firn/base/result.h"

/// CO_TRY and CO_TRY_LET for functions that are no coroutines: give the Result's failure to the caller, or go on.
#define TRY(expr)                                                                          \
  do {                                                                                     \
    if (auto firn_result_ = (expr); !firn_result_) return std::move(firn_result_).error(); \
  } while (false)
#define TRY_LET(decl, expr)                                                                                \
  auto FIRN_CONCAT(firn_result_, __LINE__) = (expr);                                                       \
  if (!FIRN_CONCAT(firn_result_, __LINE__)) return std::move(FIRN_CONCAT(firn_result_, __LINE__)).error(); \
  decl = std::move(FIRN_CONCAT(firn_result_, __LINE__)).value()
