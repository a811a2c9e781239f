# Who may depend on whom. Reviewed like an API: a new edge needs a line in docs/architecture.md.
set(ALLOW_base)
set(ALLOW_erasure         base)
set(ALLOW_metadata_client base)
set(ALLOW_volume_client   base erasure)
set(ALLOW_volume_wire     base erasure volume_client)
set(ALLOW_volume_remote   base erasure volume_client volume_wire)
set(ALLOW_volume          base erasure volume_client volume_wire)
set(ALLOW_metadata        base metadata_client)
set(ALLOW_metadata_transport base metadata)
set(ALLOW_objects         base metadata_client volume_client)
set(ALLOW_gateway         base objects metadata_client)
set(ALLOW_config          base erasure)   # tools/config: what firnd was told
# tools/firnd without `main`: the only library that links the servers.
set(ALLOW_server         base config erasure gateway metadata metadata_client metadata_transport objects volume volume_client
                         volume_remote)
set(ALLOW_cli            base config gateway server)   # tools/firn without `main`

# `all` does not build this, `./dev test` does: every module links from its declared DEPS alone.
add_custom_target(firn_layers)
add_custom_target(firn_fuzzers)

# A module library, firn_<name>, alias firn::<name>.
#
#   firn_library(volume_client
#     SOURCES client/stripe.cpp client/stripe.h        every source, and every private header, by hand
#     HEADERS client/include/firn/volume/client.h      the public headers; all under INCLUDE_DIR
#     DEPS base erasure                                our modules; they must be allowed above
#     LINKS xxHash::xxhash                             outside libraries (cmake/Dependencies.cmake), private
#     PUBLIC_LINKS Boost::json                         outside libraries that the public headers show
#     INCLUDE_DIR client/include                       root of the public headers, default `include`
#     PRIVATE_DIRS client                              further roots of private headers; the folder itself is always one
#     PCH <boost/asio.hpp> <string>                    precompile these
#     PCH_FROM base)                                   or share what another module precompiles
function(firn_library name)
  cmake_parse_arguments(A "" "INCLUDE_DIR;PCH_FROM" "SOURCES;HEADERS;DEPS;LINKS;PUBLIC_LINKS;PRIVATE_DIRS;PCH" ${ARGN})
  firn_check_arguments(${name} "${A_UNPARSED_ARGUMENTS}")
  if(NOT DEFINED ALLOW_${name} AND NOT name STREQUAL "base")
    message(FATAL_ERROR "layering: ${name} has no line in cmake/Layers.cmake")
  endif()
  foreach(dep IN LISTS A_DEPS)
    if(NOT dep IN_LIST ALLOW_${name})
      message(FATAL_ERROR "layering: ${name} may not depend on ${dep} (cmake/Layers.cmake)")
    endif()
  endforeach()
  firn_reject_own_targets(${name} ${A_LINKS} ${A_PUBLIC_LINKS})
  if(NOT A_INCLUDE_DIR)
    set(A_INCLUDE_DIR include)
  endif()

  add_library(firn_${name} STATIC ${A_SOURCES})
  add_library(firn::${name} ALIAS firn_${name})
  if(A_HEADERS)
    target_sources(firn_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${A_INCLUDE_DIR} FILES ${A_HEADERS})
  endif()
  set(private_dirs ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})
  foreach(dir IN LISTS A_PRIVATE_DIRS)
    cmake_path(ABSOLUTE_PATH dir BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND private_dirs ${dir})
  endforeach()
  target_include_directories(firn_${name} PRIVATE ${private_dirs})  # Nobody else sees private headers.
  list(TRANSFORM A_DEPS PREPEND firn::)
  target_link_libraries(firn_${name}
    PUBLIC ${A_DEPS} ${A_PUBLIC_LINKS} Boost::headers Threads::Threads
    PRIVATE ${A_LINKS} firn_boost_asio $<BUILD_INTERFACE:firn_warnings>)
  set_target_properties(firn_${name} PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ON
    FIRN_PRIVATE_DIRS "${private_dirs}"
    FIRN_PRIVATE_LINKS "${A_LINKS}")
  firn_precompile(firn_${name} "${A_PCH}" "${A_PCH_FROM}")
  firn_check_layer(${name})
endfunction()

# Every symbol of the module resolves from its DEPS alone: an undeclared module called through a hand-written
# declaration fails to link here. (Every public header compiles alone: CMake's own all_verify_interface_header_sets.)
function(firn_check_layer name)
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_links.cpp CONTENT "int main() {}\n")
  add_executable(${name}_links EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}_links.cpp)
  set_target_properties(${name}_links PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/layers)
  target_link_libraries(${name}_links PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,firn_${name}>)
  add_dependencies(firn_layers ${name}_links)
endfunction()

# A binary of tools/: build/<preset>/bin/<name>. Tools may link every module, the servers among them.
#   firn_tool(firnd SOURCES … DEPS volume metadata gateway LINKS CLI11::CLI11 PCH_FROM base)
function(firn_tool name)
  cmake_parse_arguments(A "" "PCH_FROM" "SOURCES;DEPS;LINKS;PCH" ${ARGN})
  firn_check_arguments(${name} "${A_UNPARSED_ARGUMENTS}")
  add_executable(${name} ${A_SOURCES})
  firn_link_program(${name} "${A_DEPS}" "${A_LINKS}")
  firn_precompile(${name} "${A_PCH}" "${A_PCH_FROM}")
endfunction()

# A gtest binary, one ctest entry (listing cases at build time would run every binary once more).
#   firn_test(volume_shard_test SOURCES shard_test.cpp DEPS volume PRIVATE_OF volume LINKS xxHash::xxhash)
# PRIVATE_OF lets a unit test see a module's private headers, and links the module. LABELS replaces `unit`.
function(firn_test name)
  cmake_parse_arguments(A "" "PCH_FROM;TIMEOUT" "SOURCES;DEPS;LINKS;PRIVATE_OF;LABELS;SUPPORT" ${ARGN})
  firn_check_arguments(${name} "${A_UNPARSED_ARGUMENTS}")
  if(NOT FIRN_TESTS)
    return()
  endif()
  if(NOT A_LABELS)
    set(A_LABELS unit)
  endif()
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 300)  # Seconds. A unit test takes milliseconds; this only ends one that hangs.
  endif()
  if(FIRN_SANITIZER)
    math(EXPR A_TIMEOUT "${A_TIMEOUT} * 4")
  endif()
  add_executable(${name} ${A_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  firn_link_program(${name} "${A_DEPS};${A_PRIVATE_OF}" "${A_SUPPORT};${A_LINKS};GTest::gmock;GTest::gtest_main")
  firn_show_private_headers(${name} "${A_PRIVATE_OF}")
  firn_precompile(${name} "" "${A_PCH_FROM}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}" TIMEOUT ${A_TIMEOUT})
  target_compile_definitions(${name} PRIVATE FIRN_TEST_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

# What several test binaries share (a simulated disk, a cluster in one process): name it in firn_test's SUPPORT.
#   firn_test_support(sim_disk SOURCES sim_disk.cpp sim_disk.h DEPS volume PRIVATE_OF volume)
# SUPPORT names others that it builds on.
function(firn_test_support name)
  cmake_parse_arguments(A "" "PCH_FROM" "SOURCES;DEPS;LINKS;PRIVATE_OF;SUPPORT" ${ARGN})
  firn_check_arguments(${name} "${A_UNPARSED_ARGUMENTS}")
  if(NOT FIRN_TESTS)
    return()
  endif()
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  set(modules ${A_DEPS} ${A_PRIVATE_OF})
  list(REMOVE_DUPLICATES modules)
  list(TRANSFORM modules PREPEND firn::)
  target_link_libraries(${name} PUBLIC ${modules} ${A_SUPPORT} PRIVATE ${A_LINKS} GTest::gtest firn_boost_asio firn_warnings)
  firn_show_private_headers(${name} "${A_PRIVATE_OF}")
  firn_precompile(${name} "" "${A_PCH_FROM}")
endfunction()

# A libFuzzer target, built by `./dev fuzz` alone.
#   firn_fuzzer(fuzz_http_target SOURCES http_target.cpp PRIVATE_OF gateway)
function(firn_fuzzer name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;LINKS;PRIVATE_OF" ${ARGN})
  firn_check_arguments(${name} "${A_UNPARSED_ARGUMENTS}")
  if(NOT FIRN_FUZZ)
    return()
  endif()
  add_executable(${name} ${A_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  firn_link_program(${name} "${A_DEPS};${A_PRIVATE_OF}" "${A_LINKS}")
  firn_show_private_headers(${name} "${A_PRIVATE_OF}")
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(firn_fuzzers ${name})
endfunction()

# --- shared by the functions above ---

function(firn_check_arguments name unparsed)
  if(unparsed)
    message(FATAL_ERROR "${name}: unknown arguments: ${unparsed}")
  endif()
endfunction()

function(firn_reject_own_targets name)
  foreach(link IN LISTS ARGN)
    if(link MATCHES "^firn(::|_)")
      message(FATAL_ERROR "layering: ${name} links ${link} past DEPS")
    endif()
  endforeach()
endfunction()

function(firn_link_program name modules links)
  list(REMOVE_ITEM modules "")
  list(REMOVE_ITEM links "")
  list(REMOVE_DUPLICATES modules)
  list(TRANSFORM modules PREPEND firn::)
  target_link_libraries(${name} PRIVATE ${modules} ${links} firn_boost_asio firn_warnings)
endfunction()

# A private header may include what its module links privately.
function(firn_show_private_headers name modules)
  foreach(module IN LISTS modules)
    get_target_property(dirs firn_${module} FIRN_PRIVATE_DIRS)
    get_target_property(links firn_${module} FIRN_PRIVATE_LINKS)
    target_include_directories(${name} PUBLIC ${dirs})
    if(links)
      target_link_libraries(${name} PUBLIC ${links})
    endif()
  endforeach()
endfunction()

function(firn_precompile target headers from)
  if(NOT FIRN_PCH)
    return()
  endif()
  if(headers)
    target_precompile_headers(${target} PRIVATE ${headers})
  elseif(from)
    target_precompile_headers(${target} REUSE_FROM firn_${from})
  endif()
endfunction()
