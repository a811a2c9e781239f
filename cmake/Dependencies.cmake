# Every library from outside, each as an imported target. Modules name these in LINKS.
#
#   Boost::headers Boost::json Boost::url  Uring::uring  Isal::isal  RocksDB::rocksdb  OpenSSL::SSL OpenSSL::Crypto
#   xxHash::xxhash xxHash::headers  protobuf::libprotobuf  pugixml::pugixml  CLI11::CLI11  spdlog::spdlog  prometheus-cpp::core
#   grpc::grpc++  yaml-cpp::yaml-cpp  GTest::gtest GTest::gtest_main GTest::gmock  Threads::Threads

set(CMAKE_FIND_PACKAGE_PREFER_CONFIG ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81.0 EXACT CONFIG REQUIRED COMPONENTS headers json url)
find_package(spdlog REQUIRED)
find_package(pugixml REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
set(CMAKE_FIND_PACKAGE_PREFER_CONFIG OFF)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
if(FIRN_TESTS)
  find_package(GTest REQUIRED)
endif()
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# Libraries without a CMake package of their own: a header and a library, both required.
function(firn_find_library target header)
  cmake_parse_arguments(A "" "LIBRARY" "" ${ARGN})
  find_path(${A_LIBRARY}_INCLUDE_DIR ${header} REQUIRED)
  find_library(${A_LIBRARY}_LIBRARY ${A_LIBRARY} REQUIRED)
  mark_as_advanced(${A_LIBRARY}_INCLUDE_DIR ${A_LIBRARY}_LIBRARY)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${A_LIBRARY}_LIBRARY})
  # A system directory must not be named again as -isystem: it would move ahead of the compiler's own.
  if(NOT ${A_LIBRARY}_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    target_include_directories(${target} SYSTEM INTERFACE ${${A_LIBRARY}_INCLUDE_DIR})
  endif()
endfunction()

firn_find_library(Uring::uring liburing.h LIBRARY uring)
firn_find_library(Isal::isal isa-l/erasure_code.h LIBRARY isal)
firn_find_library(xxHash::xxhash xxhash.h LIBRARY xxhash)
# RocksDB's archive, not its shared library: from that one, each comparison of two keys asks for its thread's counters by a
# call. An archive names nothing of what it needs.
firn_find_library(RocksDB::rocksdb rocksdb/db.h LIBRARY librocksdb.a)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
firn_find_library(gflags::gflags gflags/gflags.h LIBRARY gflags)
firn_find_library(Snappy::snappy snappy.h LIBRARY snappy)
firn_find_library(LZ4::lz4 lz4.h LIBRARY lz4)
firn_find_library(ZSTD::zstd zstd.h LIBRARY zstd)
target_link_libraries(RocksDB::rocksdb INTERFACE gflags::gflags Snappy::snappy ZLIB::ZLIB BZip2::BZip2 LZ4::lz4 ZSTD::zstd
                                                 Threads::Threads ${CMAKE_DL_LIBS})
# Its own package would pull in the HTTP server and client of parts that are not used here.
firn_find_library(prometheus-cpp::core prometheus/registry.h LIBRARY prometheus-cpp-core)

# Nodes' metadata traffic. Debian's package exports no plugin for protoc with its targets: it is asked for by name.
firn_find_library(grpc::gpr grpc/support/time.h LIBRARY gpr)
firn_find_library(grpc::grpc grpc/grpc.h LIBRARY grpc)
firn_find_library(grpc::grpc++ grpcpp/grpcpp.h LIBRARY grpc++)
firn_find_library(absl::synchronization absl/synchronization/mutex.h LIBRARY absl_synchronization)  # gRPC's headers use it.
target_link_libraries(grpc::grpc++ INTERFACE grpc::grpc grpc::gpr absl::synchronization)
find_program(FIRN_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

# xxHash compiled into the caller: XXH_INLINE_ALL, no library.
add_library(xxHash::headers INTERFACE IMPORTED GLOBAL)

# Asio and Beast, compiled once. Every target of ours links it (cmake/Layers.cmake).
add_library(firn_boost_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/boost_asio.cpp)
target_link_libraries(firn_boost_asio PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
