// SPDX-License-Identifier: MIT
#include "crctl/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;

// The name errors speak of: the long one.
std::string spoken(const std::string& names) {
  const auto at = names.find("--");
  return at == std::string::npos ? names : names.substr(at, names.find(',', at) - at);
}

template <class Value>
Value value_or_refuse(const std::string& flag, base::Result<Value> value) {
  if (!value) {
    base::Error error = value.error();
    error.message = flag + ": " + error.message;
    throw FlagRefused(std::move(error));
  }
  return *std::move(value);
}

base::Result<std::int64_t> parse_number(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) {
    return base::fail(ErrorCode::invalid, fmt::format("'{}' is not a whole number", base::escape_for_terminal(text)));
  }
  return number;
}

base::Result<std::string> parse_choice(const std::string& choices, const std::string& text) {
  const auto known = base::split_list(choices, '|');
  if (std::find(known.begin(), known.end(), text) != known.end()) return text;
  const auto near = base::nearest(text, known);
  std::string all;
  for (const auto& choice : known) all += (all.empty() ? "" : ", ") + choice;
  return base::fail(ErrorCode::invalid, fmt::format("'{}' is not one of {}", base::escape_for_terminal(text), all),
                    near ? fmt::format("did you mean '{}'?", *near) : std::string());
}

CLI::Option* add(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                 CLI::callback_t callback) {
  CLI::Option* option = app.add_option(names, std::move(callback), about);
  option->type_name(metavar);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return option;
}

CLI::Option* add_many(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                      CLI::callback_t callback) {
  CLI::Option* option = add(app, names, metavar, about, std::move(callback));
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option;
}

// CLI11 turns the single value "{}" into two; the first is what was typed.
const std::string& only(const CLI::results_t& values) {
  return values.front();
}

}  // namespace

CLI::Option* add_text(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                      std::optional<std::string>& target) {
  return add(app, names, metavar, about, [&target](const CLI::results_t& values) {
    target = only(values);
    return true;
  });
}

CLI::Option* add_texts(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                       std::optional<Texts>& target) {
  return add_many(app, names, metavar, about, [&target](const CLI::results_t& values) {
    target = values;
    return true;
  });
}

CLI::Option* add_comma_list(CLI::App& app, const std::string& names, const std::string& metavar,
                            const std::string& about, std::optional<Texts>& target) {
  return add_many(app, names, metavar, about, [&target, flag = spoken(names)](const CLI::results_t& values) {
    Texts all;
    for (const auto& value : values) {
      for (auto& part : base::split_list(value)) all.push_back(std::move(part));
    }
    if (all.empty()) throw FlagRefused({ErrorCode::invalid, flag + " names nothing", {}});
    target = std::move(all);
    return true;
  });
}

CLI::Option* add_number(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                        std::optional<std::int64_t>& target) {
  return add(app, names, metavar, about, [&target, flag = spoken(names)](const CLI::results_t& values) {
    target = value_or_refuse(flag, parse_number(only(values)));
    return true;
  });
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                          std::optional<std::chrono::milliseconds>& target) {
  return add(app, names, metavar, about, [&target, flag = spoken(names)](const CLI::results_t& values) {
    target = value_or_refuse(flag, base::parse_duration(only(values)));
    return true;
  });
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, const std::string& metavar, const std::string& about,
                          std::chrono::milliseconds& target) {
  return add(app, names, metavar, about, [&target, flag = spoken(names)](const CLI::results_t& values) {
    target = value_or_refuse(flag, base::parse_duration(only(values)));
    if (target.count() <= 0) throw FlagRefused({ErrorCode::invalid, flag + " must be more than nothing", {}});
    return true;
  });
}

CLI::Option* add_choice(CLI::App& app, const std::string& names, const std::string& choices, const std::string& about,
                        std::optional<std::string>& target) {
  return add(app, names, choices, about, [&target, choices, flag = spoken(names)](const CLI::results_t& values) {
    target = value_or_refuse(flag, parse_choice(choices, only(values)));
    return true;
  });
}

CLI::Option* add_choices(CLI::App& app, const std::string& names, const std::string& choices, const std::string& about,
                         std::optional<Texts>& target) {
  return add_many(app, names, choices, about, [&target, choices, flag = spoken(names)](const CLI::results_t& values) {
    Texts all;
    for (const auto& value : values) {
      for (const auto& part : base::split_list(value))
        all.push_back(value_or_refuse(flag, parse_choice(choices, part)));
    }
    if (all.empty()) throw FlagRefused({ErrorCode::invalid, flag + " names nothing", {}});
    target = std::move(all);
    return true;
  });
}

CLI::Option* add_flag(CLI::App& app, const std::string& names, const std::string& about, bool& target) {
  return app.add_flag(names, target, about);
}

CLI::Option* require(CLI::Option* option) {
  return option->required();
}

void exclude(CLI::Option* one, CLI::Option* other) {
  one->excludes(other);
}

CLI::Option* add_name(CLI::App& app, const std::string& shown, const std::string& what, const std::string& about,
                      std::string& target) {
  CLI::Option* option = add(app, shown, what, about, [&target](const CLI::results_t& values) {
    target = only(values);
    return true;
  });
  return option->required();
}

CLI::Option* add_names(CLI::App& app, const std::string& shown, const std::string& what, const std::string& about,
                       Texts& target) {
  CLI::Option* option = add_many(app, shown, what, about, [&target](const CLI::results_t& values) {
    target = values;
    return true;
  });
  return option->expected(1, CLI::detail::expected_max_vector_size)->required();
}

CLI::Option* add_optional_names(CLI::App& app, const std::string& shown, const std::string& what,
                                const std::string& about, Texts& target) {
  return add_names(app, shown, what, about, target)->required(false);
}

}  // namespace cr::crctl
