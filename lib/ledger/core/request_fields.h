// SPDX-License-Identifier: MIT
// The ledger's tables of a request's fields, as columns of `request`: what is known while it runs (those of the view
// `reservation` too), and what its ending adds. A record of them has `settlement` and `booking`, of which the latter
// says what is kept where both have a value. See record_fields.h.
#pragma once

#include "ledger/core/operations.h"
#include "ledger/core/record_fields.h"
#include "ledger/core/reports.h"

namespace cr::ledger {

// What is written: the settlement as it was given, and how it is booked. A view; both must outlive it.
struct EndedRequest {
  const Settlement& settlement;
  const RequestBooking& booking;
};

template <auto member, auto... rest>
struct InSettlement {
  static constexpr const auto& get(const auto& request) { return At<member, rest...>::get(request.settlement); }
  template <class Value>
  static constexpr void set(RequestRow& request, Value&& value) {
    At<member, rest...>::set(request.settlement, std::forward<Value>(value));
  }
};
template <auto member>
using InFacts = InSettlement<&Settlement::facts, member>;
template <auto member>
struct InBooking {
  static constexpr const auto& get(const auto& request) { return request.booking.*member; }
  template <class Value>
  static constexpr void set(RequestRow& request, Value&& value) {
    request.booking.*member = std::forward<Value>(value);
  }
};

template <class Access>
constexpr auto kept_if_told(std::string_view name) {
  return Field<Role::kept, Access>{name, {.empty_is_null = true}};
}

inline constexpr auto k_reservation_fields = std::make_tuple(
    kept<InFacts<&RequestFacts::id>>("id"), kept<InBooking<&RequestBooking::token>>("token_id"),
    kept<InBooking<&RequestBooking::account>>("account_id"), kept<InFacts<&RequestFacts::key>>("key_id"),
    kept<InBooking<&RequestBooking::reserved_at>>("started_at"), kept<InBooking<&RequestBooking::reserved>>("held"),
    kept<InFacts<&RequestFacts::stream>>("stream"), kept<InFacts<&RequestFacts::model>>("model"),
    kept<InFacts<&RequestFacts::group>>("group_name"), kept<InFacts<&RequestFacts::endpoint>>("endpoint"),
    kept<InFacts<&RequestFacts::source_ip>>("source_ip"));

inline constexpr auto k_ending_fields = std::make_tuple(
    kept<InSettlement<&Settlement::channel>>("channel_id"),
    kept_if_told<InSettlement<&Settlement::upstream_model>>("upstream_model"),
    kept<InSettlement<&Settlement::ending>>("ending"), kept<InSettlement<&Settlement::flags>>("flags"),
    kept<InSettlement<&Settlement::status>>("status"), kept_if_told<InSettlement<&Settlement::error>>("error"),
    kept<InBooking<&RequestBooking::posted>>("posted"), kept<InBooking<&RequestBooking::overrun>>("overrun"),
    kept<InBooking<&RequestBooking::refunded>>("refunded"),
    kept<InSettlement<&Settlement::input_tokens>>("input_tokens"),
    kept<InSettlement<&Settlement::cached_tokens>>("cached_tokens"),
    kept<InSettlement<&Settlement::cache_write_tokens>>("cache_write_tokens"),
    kept<InSettlement<&Settlement::output_tokens>>("output_tokens"),
    kept<InSettlement<&Settlement::duration_ms>>("duration_ms"),
    kept<InSettlement<&Settlement::first_byte_ms>>("first_byte_ms"),
    kept_if_told<InSettlement<&Settlement::units, &UnitCounts::images>>("images"),
    kept_if_told<InSettlement<&Settlement::units, &UnitCounts::characters>>("characters"),
    kept_if_told<InSettlement<&Settlement::units, &UnitCounts::audio_ms>>("audio_ms"),
    kept_if_told<InSettlement<&Settlement::units, &UnitCounts::search_units>>("search_units"),
    kept_if_told<InSettlement<&Settlement::upstream_request_id>>("upstream_request_id"),
    kept_if_told<InSettlement<&Settlement::price_generation>>("price"),
    kept<InSettlement<&Settlement::provider_cost>>("cost"),
    kept<InSettlement<&Settlement::multiplier_millionths>>("multiplier_millionths"),
    kept_if_told<InSettlement<&Settlement::parts>>("parts"));

}  // namespace cr::ledger
