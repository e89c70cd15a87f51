# SPDX-License-Identifier: MIT
# Settings and warnings, as INTERFACE targets every module links.
option(CR_SANITIZE_ADDRESS "address and undefined-behaviour sanitizers" OFF)
option(CR_SANITIZE_EVERYTHING "with CR_SANITIZE_ADDRESS: the checks too that double the compiler's time" OFF)
option(CR_SANITIZE_THREAD "thread sanitizer" OFF)
# The presets turn it on, for developers and for .ci/run; it means the two compilers the sources are kept clean for. With
# others a warning stays one, so that nobody fails to build for it.
option(CR_WERROR "warnings are errors, with g++ 12 and clang 14" OFF)
# Off in the release build, which so finds a file that leans on another one's includes.
option(CR_PRECOMPILE "precompiled headers for the programs too, not for the tests alone" OFF)
# Several sources compiled as one, which takes a third of the time: for builds of which nothing ships. Where a name stands in
# the way (cmake/unity_groups.awk did not see it), this off builds them one by one.
option(CR_UNITY "compile the sources of a target in a few pieces" OFF)
set(CR_COMMON_HEADERS <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <string> <string_view>
    <unordered_map> <utility> <vector>)
set(CR_ASIO_HEADERS <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/basic_stream_socket.hpp>
    <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/ssl/stream.hpp> <boost/asio/use_awaitable.hpp>)

add_library(cr_settings INTERFACE)
target_include_directories(cr_settings INTERFACE ${CMAKE_SOURCE_DIR}/lib ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(cr_settings INTERFACE CR_VERSION="${PROJECT_VERSION}")
set(werror)
if(CR_WERROR AND "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" MATCHES "^(GNU 12|Clang 14)\\.")
  set(werror -Werror)
endif()
target_compile_options(cr_settings INTERFACE -Wall -Wextra -Wconversion -Wshadow ${werror} -fno-plt
                                             -fstack-protector-strong -fstack-clash-protection -fcf-protection)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees trouble inside its own optimised std::string and std::optional (GCC bugs 105651 and 80635).
  target_compile_options(cr_settings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CR_UNITY)
  # Of one file these would say something: a parameter with the name of what another file keeps to itself, and what a file
  # keeps to itself in a file that was included.
  target_compile_options(cr_settings INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
target_link_options(cr_settings INTERFACE -Wl,--as-needed -Wl,-z,relro,-z,now)
# The tests are many programs: mold links one in a quarter of the time. What ships is linked by the usual linker.
find_program(CR_MOLD mold)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(cr_settings INTERFACE _FORTIFY_SOURCE=2)
endif()
if(CR_SANITIZE_ADDRESS)
  target_compile_options(cr_settings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  if(NOT CR_SANITIZE_EVERYTHING)
    # What costs a branch at each use of a pointer, half of the compiler's time, and finds little here that a segmentation
    # fault under the address sanitizer does not.
    target_compile_options(cr_settings INTERFACE -fno-sanitize=null,alignment,object-size,vptr,nonnull-attribute,returns-nonnull-attribute)
  endif()
  target_link_options(cr_settings INTERFACE -fsanitize=address,undefined)
endif()
if(CR_SANITIZE_THREAD)
  # Asio's timers have a fence that this sanitizer cannot see; what it orders is ordered by the queue's lock as well. And
  # so instrumented, GCC 12 believes joined strings to be out of their bounds.
  target_compile_options(cr_settings INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan -Wno-array-bounds
    -Wno-stringop-overflow)
  target_link_options(cr_settings INTERFACE -fsanitize=thread)
endif()

# cr_unite(TARGET): with CR_UNITY, the sources that TARGET has by now are compiled in groups.
function(cr_unite target)
  if(NOT CR_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^[a-z_0-9]+\\.cpp$")
  execute_process(COMMAND awk -v most=8 -f ${CMAKE_SOURCE_DIR}/cmake/unity_groups.awk ${sources}
                  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  foreach(line ${lines})
    string(REPLACE " " ";" line "${line}")
    list(GET line 0 group)
    list(GET line 1 source)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${target}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# cr_layer(NAME SOURCES a.cpp b.cpp PUBLIC modules-and-libraries PRIVATE libraries [PRECOMPILE headers]): one folder of lib/
# as a target cr_NAME; NAME is the folder's path with '_' for '/'. One source a line, sorted.
function(cr_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  add_library(cr_${name} STATIC ${arg_SOURCES})
  cr_list_sources(${arg_SOURCES})
  target_link_libraries(cr_${name} PUBLIC cr_settings ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  # A few sources, which CR_UNITY makes one or two of, do not earn back what precompiling takes.
  list(LENGTH arg_SOURCES count)
  if(CR_PRECOMPILE AND count GREATER 8)
    target_precompile_headers(cr_${name} PRIVATE ${CR_COMMON_HEADERS} ${arg_PRECOMPILE})
  endif()
  # Sources of this one keep names to themselves that headers of the same folder use for something else.
  if(NOT name STREQUAL "server_admin")
    cr_unite(cr_${name})
  endif()
endfunction()

# A source that no target lists would not be compiled, and a test in it not be run: that is an error.
function(cr_list_sources)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
  set_property(GLOBAL APPEND PROPERTY CR_LISTED_SOURCES ${sources})
endfunction()
# cr_check_that_all_are_listed(FOLDER): of all .cpp files under FOLDER.
function(cr_check_that_all_are_listed folder)
  get_property(listed GLOBAL PROPERTY CR_LISTED_SOURCES)
  file(GLOB_RECURSE there CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  list(REMOVE_ITEM there ${listed})
  if(there)
    list(JOIN there "\n  " there)
    message(FATAL_ERROR "In no target of any CMakeLists.txt:\n  ${there}")
  endif()
endfunction()

# cr_embed_text(MODULE text...): each text as a header of MODULE with a raw string in it; their paths into `embedded`. The
# target embedded_texts makes them all.
add_custom_target(embedded_texts)
function(cr_embed_text module)
  set(script ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake)
  foreach(text ${ARGN})
    cmake_path(ABSOLUTE_PATH text)
    cmake_path(GET text FILENAME name)
    string(REPLACE "." "_" name ${name})
    set(header ${CMAKE_BINARY_DIR}/generated/${module}/${name}.h)
    add_custom_command(OUTPUT ${header} COMMAND ${CMAKE_COMMAND} -DIN=${text} -DOUT=${header} -DNAME=${name} -P ${script}
                       DEPENDS ${text} ${script} VERBATIM)
    list(APPEND headers ${header})
  endforeach()
  string(REPLACE "/" "_" made "embedded_${module}")
  add_custom_target(${made} DEPENDS ${headers})
  add_dependencies(embedded_texts ${made})
  set(embedded ${headers} PARENT_SCOPE)
endfunction()

# A test's own code is compiled without optimising, which takes half of the time; what it tests is compiled as ever.
add_library(cr_test_settings INTERFACE)
target_compile_options(cr_test_settings INTERFACE -O0 -g1 -U_FORTIFY_SOURCE)
if(CR_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(cr_test_settings INTERFACE -fuse-ld=mold)
endif()

# Drives programs from outside: those are instrumented, the code that starts them need not be, which halves its compiling.
add_library(cr_outside INTERFACE)
if(CR_SANITIZE_ADDRESS OR CR_SANITIZE_THREAD)
  target_compile_options(cr_outside INTERFACE -fno-sanitize=all)
endif()

# The headers that every test begins with, compiled once for each set of SETTINGS.
function(cr_test_headers name)
  if(NOT TARGET ${name})
    set(source ${CMAKE_BINARY_DIR}/generated/test_headers.cpp)
    file(WRITE ${source}.new "int main() {}\n")
    file(COPY_FILE ${source}.new ${source} ONLY_IF_DIFFERENT)
    # A program as the tests are: what a library's objects are compiled with does not fit them.
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE cr_settings cr_test_settings ${ARGN} GTest::gmock GTest::gtest_main)
    target_precompile_headers(${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h> ${CR_COMMON_HEADERS})
  endif()
endfunction()

# cr_test(NAME SOURCES ... LINK ... [LABELS ...] [THREADS ...] [OPTIMISED] [OUTSIDE] [COMMAND] [HEAVY]): one GoogleTest program; every TEST in it is one
# ctest test. OUTSIDE: it drives programs and has none of our code in it, so that the one of the release build serves for
# sanitized programs too (tests/support/programs.h). COMMAND: it is about crctl, which others only use. HEAVY: it keeps two cores busy, where others mostly wait.
# THREADS: patterns of GoogleTest's filter; what fits one is about what threads share, gets the label `threads` too, and is
# run under the thread sanitizer by `make test-threads`.
function(cr_test name)
  cmake_parse_arguments(arg "OPTIMISED;OUTSIDE;COMMAND;HEAVY" "" "SOURCES;LINK;LABELS;THREADS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  cr_list_sources(${arg_SOURCES})
  target_link_libraries(${name} PRIVATE cr_settings ${arg_LINK} GTest::gmock GTest::gtest_main)
  if(NOT arg_OPTIMISED)
    cr_test_headers(cr_test_headers)
    target_link_libraries(${name} PRIVATE cr_test_settings)
    target_precompile_headers(${name} REUSE_FROM cr_test_headers)
  endif()
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  cr_unite(${name})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(arg_OUTSIDE)
    set(arg_LABELS integration)
    if(arg_COMMAND)
      set(arg_LABELS command)
    endif()
    if(NOT TARGET outside_tests)
      add_custom_target(outside_tests)
    endif()
    add_dependencies(outside_tests ${name})
  endif()
  set(cores 1)
  if(arg_HEAVY)
    set(cores 2)
  endif()
  set(properties TIMEOUT 300 PROCESSORS ${cores})
  if(NOT arg_THREADS)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS "${arg_LABELS}" ${properties})
    return()
  endif()
  list(JOIN arg_THREADS ":" threads)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "-${threads}" TEST_LIST ${name}_others
    PROPERTIES LABELS "${arg_LABELS}" ${properties})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${threads}" TEST_LIST ${name}_threads
    PROPERTIES LABELS "${arg_LABELS}" ${properties})
  # A list of labels does not get through the line above.
  set(labels ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(WRITE ${labels} "if(${name}_threads)\n  set_tests_properties(\${${name}_threads} PROPERTIES LABELS \"${arg_LABELS};threads\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels})
  set(group threads_tests)
  if(arg_OUTSIDE)
    set(group outside_threads_tests)
  endif()
  if(NOT TARGET ${group})
    add_custom_target(${group})
  endif()
  add_dependencies(${group} ${name})
endfunction()
