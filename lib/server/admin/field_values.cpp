// SPDX-License-Identifier: MIT
#include "server/admin/field_values.h"

#include <algorithm>

#include "base/text.h"
#include "billing/price.h"
#include "provider/kinds/kind.h"

namespace cr::server::admin {

using base::ErrorCode;
using base::fail;
using base::Result;
using List = std::vector<std::string>;

namespace {

constexpr std::int64_t k_ms_max = 24LL * 3600 * 1000;

Result<List> changed_list(const std::string& member, const cr::admin::ListEdit& edit, const List& old_list) {
  List list = edit.set.value_or(old_list);
  for (const auto& item : edit.remove) {
    if (!has(list, item)) {
      const auto close = base::nearest(item, list);
      return fail(ErrorCode::invalid,
                  member + ": '" + base::escape_for_terminal(item.substr(0, 128)) + "' is not in the list",
                  close ? "did you mean '" + *close + "'?" : std::string());
    }
    std::erase(list, item);
  }
  for (const auto& item : edit.add) {
    if (!has(list, item)) list.push_back(item);
  }
  return list;
}

template <class Place, class Given, class Take>
Result<void> take_by_period(std::string_view member, Place& place, const Given& given, const Take& take) {
  for (const auto& [name, value] : given) {
    const auto period = read_period(std::string(member), name);
    if (!period) return tl::unexpected(period.error());
    if (auto taken = take(place[static_cast<std::size_t>(*period)], value); !taken) return taken;
  }
  return {};
}

// An error of a parser says what is wrong with the text, not whose it is.
template <class T>
Result<void> take_parsed(std::string_view member, T& place, const Result<T>& parsed) {
  if (!parsed) {
    return fail(ErrorCode::invalid, std::string(member) + ": " + parsed.error().message, parsed.error().hint);
  }
  place = *parsed;
  return {};
}

}  // namespace

bool has(const List& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Result<base::Period> read_period(const std::string& member, const std::string& name) {
  if (const auto period = base::period_from(name)) return *period;
  return fail(ErrorCode::invalid, member + ": '" + base::escape_for_terminal(name.substr(0, 64)) +
                                      "' is no period: expected day, week or month");
}

ListChange list_change(std::string member, cr::admin::ListEdit edit) {
  return [member = std::move(member), edit = std::move(edit)](const List& old_list) {
    return changed_list(member, edit, old_list);
  };
}

void show_value(bool& shown, token::Switch kept) {
  shown = kept == token::Switch::on;
}

void show_value(std::string& shown, const base::Zone& kept) {
  shown = kept.name();
}

void show_value(std::string& shown, ledger::WhenLow kept) {
  shown = kept == ledger::WhenLow::refuse ? "refuse" : "clamp";
}

void show_value(std::string& shown, provider::Kind kept) {
  shown = provider::name_of(kept);
}

void show_value(std::string& shown, std::int64_t millionths) {
  shown = billing::Multiplier{millionths}.to_decimal();
}

void show_value(std::string& shown, base::Rate kept) {
  shown = kept.to_decimal();
}

void show_value(std::string& shown, base::Credits kept) {
  shown = kept.to_decimal();
}

void show_value(std::optional<std::string>& shown, const std::optional<base::Rate>& kept) {
  shown = kept ? std::optional(kept->to_decimal()) : std::nullopt;
}

void show_value(cr::admin::JsonText& shown, const billing::PriceRules& kept) {
  shown.text = billing::to_json(kept);
}

void show_value(std::int64_t& shown, std::chrono::milliseconds kept) {
  shown = kept.count();
}

Result<void> take_value(std::string_view, token::Switch& place, bool given) {
  place = given ? token::Switch::on : token::Switch::off;
  return {};
}

Result<void> take_value(std::string_view member, base::Zone& place, const std::string& given) {
  auto zone = base::Zone::find(given.empty() ? std::string_view("UTC") : std::string_view(given));
  if (!zone) return fail(ErrorCode::invalid, std::string(member) + ": " + zone.error().message, zone.error().hint);
  place = *zone;
  return {};
}

Result<void> take_value(std::string_view member, ledger::WhenLow& place, const std::string& given) {
  if (given != "clamp" && given != "refuse")
    return fail(ErrorCode::invalid, std::string(member) + ": expected \"clamp\" or \"refuse\"");
  place = given == "refuse" ? ledger::WhenLow::refuse : ledger::WhenLow::clamp;
  return {};
}

Result<void> take_value(std::string_view member, provider::Kind& place, const std::string& given) {
  if (const auto* kind = provider::find_kind(given)) {
    place = kind->kind;
    return {};
  }
  std::string known;
  for (const auto& row : provider::kinds()) known += (known.empty() ? "\"" : ", \"") + std::string(row.name) + '"';
  return fail(ErrorCode::invalid, std::string(member) + ": expected one of " + known);
}

Result<void> take_value(std::string_view member, std::int64_t& millionths, const std::string& given) {
  billing::Multiplier multiplier;
  auto taken = take_parsed(member, multiplier, billing::Multiplier::parse(given));
  if (taken) millionths = multiplier.millionths;
  return taken;
}

Result<void> take_value(std::string_view member, base::Rate& place, const std::string& given) {
  return take_parsed(member, place, base::Rate::parse(given));
}

Result<void> take_value(std::string_view member, base::Credits& place, const std::string& given) {
  return take_parsed(member, place, base::Credits::parse(given));
}

Result<void> take_value(std::string_view member, std::optional<base::Rate>& place, const std::string& given) {
  if (given == "none") {
    place.reset();
    return {};
  }
  return take_parsed(member, place.emplace(), base::Rate::parse(given));
}

Result<void> take_value(std::string_view, billing::PriceRules& place, const cr::admin::JsonText& given) {
  auto rules = billing::parse_rules(given.text);
  if (!rules) return tl::unexpected(rules.error());
  place = std::move(*rules);
  return {};
}

Result<void> take_value(std::string_view member, std::chrono::milliseconds& place, std::int64_t given) {
  const std::int64_t low = member.find("delay") == std::string_view::npos ? 1 : 0;
  if (given < low || given > k_ms_max) {
    return fail(ErrorCode::invalid, std::string(member) + ": expected a whole number from " + std::to_string(low) +
                                        " to " + std::to_string(k_ms_max));
  }
  place = std::chrono::milliseconds(given);
  return {};
}

Result<void> take_value(std::string_view member, List& place, const cr::admin::ListEdit& given) {
  auto changed = changed_list(std::string(member), given, place);
  if (!changed) return tl::unexpected(changed.error());
  place = std::move(*changed);
  return {};
}

Result<void> take_value(std::string_view, StringMap& place, const StringMapEdit& given) {
  for (const auto& [name, value] : given) {
    if (value) {
      place[name] = *value;
    } else {
      place.erase(name);
    }
  }
  return {};
}

Result<void> take_value(std::string_view, ledger::QuotaChange& place, const cr::admin::QuotaEdit& given) {
  using Kind = ledger::QuotaChange::Kind;
  if (given.unlimited) {
    place = {Kind::unlimited, {}};
  } else if (given.delta) {
    place = {Kind::delta, *given.delta};
  } else {
    place = {Kind::set, given.set.value_or(base::Credits())};
  }
  return {};
}

Result<void> take_value(std::string_view member, ListChange& place, const cr::admin::ListEdit& given) {
  place = list_change(std::string(member), given);
  return {};
}

Result<void> take_value(std::string_view member, ledger::BudgetLimits& place,
                        const std::map<std::string, base::Credits>& given) {
  return take_by_period(member, place, given, [](std::optional<base::Credits>& limit, base::Credits value) {
    limit = value;
    return Result<void>();
  });
}

Result<void> take_value(std::string_view member, BudgetChanges& place,
                        const std::map<std::string, cr::admin::QuotaEdit>& given) {
  return take_by_period(member, place, given,
                        [&](std::optional<ledger::QuotaChange>& change, const cr::admin::QuotaEdit& edit) {
                          return take_value(member, change.emplace(), edit);
                        });
}

}  // namespace cr::server::admin
