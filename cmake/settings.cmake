# SPDX-License-Identifier: MIT
# Settings and warnings, as INTERFACE targets every floor links.
option(CR_SANITIZE_ADDRESS "address and undefined-behaviour sanitizers" OFF)
option(CR_SANITIZE_THREAD "thread sanitizer" OFF)

add_library(cr_settings INTERFACE)
target_include_directories(cr_settings INTERFACE ${CMAKE_SOURCE_DIR}/lib ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(cr_settings INTERFACE CR_VERSION="${PROJECT_VERSION}")
target_compile_options(cr_settings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror -fno-plt
                                             -fstack-protector-strong -fstack-clash-protection -fcf-protection)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees trouble inside its own optimised std::string and std::optional (GCC bugs 105651 and 80635).
  target_compile_options(cr_settings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
target_link_options(cr_settings INTERFACE -Wl,--as-needed -Wl,-z,relro,-z,now)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(cr_settings INTERFACE _FORTIFY_SOURCE=2)
endif()
if(CR_SANITIZE_ADDRESS)
  target_compile_options(cr_settings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(cr_settings INTERFACE -fsanitize=address,undefined)
endif()
if(CR_SANITIZE_THREAD)
  target_compile_options(cr_settings INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(cr_settings INTERFACE -fsanitize=thread)
endif()

# cr_floor(NAME SOURCES a.cpp b.cpp PUBLIC floors-and-libraries PRIVATE libraries): one folder of lib/ as a target cr_NAME.
function(cr_floor name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(cr_${name} STATIC ${arg_SOURCES})
  target_link_libraries(cr_${name} PUBLIC cr_settings ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()

# cr_test(NAME SOURCES ... LINK ... [LABELS ...]): one GoogleTest program; every TEST in it is one ctest test.
function(cr_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE cr_settings ${arg_LINK} GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300)
endfunction()
