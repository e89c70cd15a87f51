// SPDX-License-Identifier: MIT
// The URL of an upstream or of its proxy: base's, which the settings are checked by as well.
#pragma once

#include "base/url.h"

namespace cr::http::message {

using base::Scheme;
using base::Url;

}  // namespace cr::http::message
