// SPDX-License-Identifier: MIT
// Asio's separately compiled parts, once.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
