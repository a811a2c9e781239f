# Warnings for our own code, every one an error of g++; clang-tidy is the judge of what clang alone sees. Dependencies are
# system headers and stay silent.

add_library(firn_warnings INTERFACE)
target_compile_options(firn_warnings INTERFACE
  -Wall
  -Wextra
  -Wshadow
  -Wnon-virtual-dtor
  -Woverloaded-virtual
  -Wcast-qual
  -Wformat=2
  -Wimplicit-fallthrough
  -Wfloat-conversion            # The bearable part of -Wconversion: the rest drowns in byte arithmetic.
  -Wdouble-promotion
  -Wextra-semi
  -Wredundant-decls
  -Wvla
  -Wno-missing-field-initializers  # Designated initialisers leave out what has a default; that is their point.
  $<$<CXX_COMPILER_ID:GNU>:-Werror -Wduplicated-cond -Wlogical-op
    -Wno-restrict               # g++ 12 reports std::string's own operator+ (GCC bug 105651).
    -Wno-maybe-uninitialized    # g++ 12 reports coroutine frames and std::optional members at -O2.
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread  # g++ 12 at -O2: wrong about inlined std containers.
    -Wno-dangling-pointer       # g++ 12 reports coroutine promises.
    -Wno-mismatched-new-delete  # g++ 12 reports coroutine frames: Asio's operator new and delete are both inlined.
    -Wno-tsan>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
