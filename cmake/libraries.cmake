# SPDX-License-Identifier: MIT
# Every outside library, once, as an imported target. All are Debian 12 packages (`make deps` installs them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(date REQUIRED)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlidec)
pkg_check_modules(brotli_encoder REQUIRED IMPORTED_TARGET libbrotlienc)  # of tests
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(toml REQUIRED IMPORTED_TARGET tomlplusplus)
find_path(CR_CLI11 CLI/CLI.hpp REQUIRED)
find_path(CR_NLOHMANN nlohmann/json.hpp REQUIRED)
find_path(CR_EXPECTED tl/expected.hpp REQUIRED)

# Asio without its deprecated parts and without exceptions crossing threads; concrete executors only.
add_library(cr_asio INTERFACE)
target_link_libraries(cr_asio INTERFACE Boost::headers OpenSSL::SSL Threads::Threads)
target_compile_definitions(cr_asio INTERFACE BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 takes a coroutine frame's own operator delete for a mismatch when it inlines only one of the pair.
  target_compile_options(cr_asio INTERFACE -Wno-mismatched-new-delete)
endif()
