#include "firn/base/result.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

namespace firn {
namespace {

/// Runs a task to its end on an io_context of its own.
template <class T>
Result<T> run(Task<T> task) {
  boost::asio::io_context io;
  Result<T> out = Errc::internal;
  boost::asio::co_spawn(io, std::move(task), [&out](const std::exception_ptr& thrown, Result<T> result) {
    ASSERT_FALSE(thrown);
    out = std::move(result);
  });
  io.run();
  return out;
}

Result<int> half(int number) {
  if (number % 2 != 0) return error(Errc::invalid_argument, "odd");
  return number / 2;
}

Task<int> quarter(int number, int& steps) {
  CO_TRY_LET(const int first, half(number));
  ++steps;
  CO_TRY_LET(const int second, half(first));
  ++steps;
  co_return second;
}

Task<> check(int number, int& steps) {
  CO_TRY(half(number));
  ++steps;
  co_return Unit{};
}

Task<std::unique_ptr<std::string>> pass_on(std::unique_ptr<std::string> text) {
  Result<std::unique_ptr<std::string>> made(std::move(text));
  CO_TRY_LET(auto moved, std::move(made));
  co_return moved;
}

Task<int> sum_of_quarters(int a, int b, int& steps) {
  CO_TRY_LET(const int first, co_await quarter(a, steps));
  CO_TRY_LET(const int second, co_await quarter(b, steps));
  co_return first + second;
}

TEST(Result, HoldsAValueOrAFailure) {
  const Result<int> value = half(8);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 4);
  EXPECT_EQ(value.code(), std::nullopt);
  const Result<int> failure = half(7);
  ASSERT_FALSE(failure);
  EXPECT_EQ(failure.error().code, Errc::invalid_argument);
  EXPECT_EQ(failure.error().detail, "odd");
  EXPECT_EQ(failure.code(), Errc::invalid_argument);
  EXPECT_EQ(failure.value_or(9), 9);
}

TEST(Result, OfNothingSucceedsByDefault) {
  EXPECT_TRUE(Result<>());
  EXPECT_EQ(Result<>(Errc::io_error).code(), Errc::io_error);
}

TEST(Result, MovesItsValueOut) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> moved = std::move(result).value();
  EXPECT_EQ(*moved, 7);
}

TEST(Result, KeepsWhatTheClientMayReadApartFromTheLog) {
  EXPECT_EQ(error(Errc::io_error, "/data1").message, "");
  EXPECT_EQ(client_error(Errc::invalid_argument, "bad limit").message, "bad limit");
  EXPECT_EQ(client_error(Errc::invalid_argument, "bad limit").detail, "bad limit");
}

TEST(ResultDeathTest, StopsWhenTheWrongSideIsAsked) {
  const Result<int> failure = Errc::not_found;
  const Result<int> value = 1;
  EXPECT_DEATH((void)failure.value(), "assertion failed");
  EXPECT_DEATH((void)value.error(), "assertion failed");
}

TEST(CoTry, GoesOnAfterSuccessAndLeavesAtTheFirstFailure) {
  int steps = 0;
  EXPECT_TRUE(run(check(2, steps)));
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(run(check(3, steps)).code(), Errc::invalid_argument);
  EXPECT_EQ(steps, 1);
}

TEST(CoTryLet, DeclaresTheValueAndLeavesAtTheFirstFailure) {
  int steps = 0;
  EXPECT_EQ(run(quarter(12, steps)).value(), 3);
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(run(quarter(6, steps)).error().detail, "odd");
  EXPECT_EQ(steps, 3);
}

TEST(CoTryLet, MovesValuesThatCannotBeCopied) {
  EXPECT_EQ(**run(pass_on(std::make_unique<std::string>("firn"))), "firn");
}

TEST(CoTryLet, CarriesAFailureThroughNestedTasks) {
  int steps = 0;
  EXPECT_EQ(run(sum_of_quarters(8, 12, steps)).value(), 5);
  EXPECT_EQ(run(sum_of_quarters(8, 7, steps)).error().detail, "odd");
}

}  // namespace
}  // namespace firn
