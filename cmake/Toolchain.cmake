# How every target is compiled and linked: language, code generation, launcher, linker.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_COLOR_DIAGNOSTICS ON)

# -g1 gives backtraces with lines and keeps objects, links and ccache small.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
if(FIRN_SANITIZER)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")  # A report needs lines, not variables: these binaries are many and large as it is.
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
endif()

# One binary for every x86-64 server since 2009; loops that gain from more are dispatched at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=x86-64-v2)
endif()
add_compile_options(-fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

# Asio and Beast are compiled once, in cmake/boost_asio.cpp, not in every source: these must be the same everywhere.
add_compile_definitions(
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION)

if(FIRN_SANITIZER)
  add_compile_options(-fsanitize=${FIRN_SANITIZER} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FIRN_SANITIZER})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)  # An empty optional read, a span left: memory that is there all the same.
endif()

# ccache must be told that a precompiled header is no reason to miss; -fpch-preprocess below is the other half.
find_program(FIRN_CCACHE ccache)
if(FIRN_CCACHE AND (NOT CMAKE_CXX_COMPILER_LAUNCHER OR CMAKE_CXX_COMPILER_LAUNCHER MATCHES "^[^;]*ccache$"))
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros
                                  ${FIRN_CCACHE})
endif()
if(FIRN_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
endif()

# The fastest linker present.
find_program(FIRN_MOLD NAMES ld.mold mold)
find_program(FIRN_LLD NAMES ld.lld)
if(FIRN_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(FIRN_LLD)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed)
