// SPDX-License-Identifier: MIT
// price list, show, set, unset, quote.
#include "crctl/price.h"

#include <fmt/format.h>

#include "admin/price_fields.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/prompt.h"
#include "crctl/record_columns.h"
#include "crctl/rule_words.h"
#include "crctl/setting_flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Price;
using base::Result;

std::string path_of(std::string_view model) {
  return "/prices/" + admin::encode_segment(model);
}

Cell dollars_cell(const std::string& amount) {
  const auto dollars = base::Credits::parse(amount);
  return {amount, dollars ? dollars->to_display() : base::escape_for_terminal(amount), Style::none};
}

Cell rules_cell(const std::string& json) {
  return json.empty() ? Cell{} : Cell{json, base::escape_for_terminal(rules_in_words(json)), Style::none};
}

// Since ever; or from when, marked where that is to come.
Cell effective_cell(const Price& price, const View& view) {
  if (!price.effective_at) return {};
  const auto day = base::format_rfc3339(*price.effective_at);
  const bool to_come = *price.effective_at > view.now;
  return {day, view.exact ? when_text(*price.effective_at, view) : local_time(*price.effective_at).substr(0, 10),
          to_come ? Style::warn : Style::none};
}

const RecordKind<Price>& price_kind() {
  using T = const Price&;
  using V = const View&;
  static const RecordKind<Price> k_kind{
      "price",
      columns_of<Price, admin::k_price_fields>(
          {
              {{"model"}},
              {{"input", Align::right}, [](T p, V) { return dollars_cell(p.input); }},
              {{"cached_input", Align::right, 2}, [](T p, V) { return dollars_cell(p.cached_input); }},
              {{"output", Align::right}, [](T p, V) { return dollars_cell(p.output); }},
              {{"per_request", Align::right, 5}, [](T p, V) { return dollars_cell(p.per_request); }},
              {{"per_image", Align::right, 8, From::wide}, [](T p, V) { return dollars_cell(p.per_image); }},
              {{"per_character", Align::right, 8, From::wide}, [](T p, V) { return dollars_cell(p.per_character); }},
              {{"per_second", Align::right, 8, From::wide}, [](T p, V) { return dollars_cell(p.per_second); }},
              {{"max_output", Align::right, 4}},
              {{"source", Align::left, 3}, [](T p, V) { return text_cell(p.source); }},
              {{"effective"}, [](T p, V v) { return effective_cell(p, v); }},
              {{"cache_write", Align::right, 8, From::wide}, [](T p, V) { return dollars_cell(p.cache_write); }},
              {{"rules", Align::left, 9, From::detail}, [](T p, V) { return rules_cell(p.rules.text); }},
              {{"context", Align::right, 8, From::wide}},
              {{"updated", Align::left, 9, From::detail}, [](T p, V v) { return past_cell(p.updated_at, v); }},
          },
          "updated"),
      [](T p) { return p.model; }};
  return k_kind;
}

struct SetWords {
  std::string model;
  TypedSettings<decltype(admin::k_price_fields)> settings;
};

Result<std::optional<std::int64_t>> optional_count(const std::optional<std::string>& text) {
  if (!text) return std::optional<std::int64_t>();
  auto count = parse_token_count(*text);
  if (!count) return tl::unexpected(count.error());
  return std::optional<std::int64_t>(*count);
}

// "input $0.15, output $0.6 a million tokens, $0.04 an image"; "$0.04 an image".
std::string terms_of(const Price& price) {
  const std::string tokens = fmt::format("input ${}, output ${} a million tokens", price.input, price.output);
  std::string units;
  for (const auto& [amount, unit] :
       {std::pair{&price.per_image, "an image"}, std::pair{&price.per_character, "a million characters"},
        std::pair{&price.per_second, "a second"}, std::pair{&price.per_request, "a request"}}) {
    if (*amount != "0") units += fmt::format(", ${} {}", *amount, unit);
  }
  const bool by_units_only = price.input == "0" && price.output == "0" && !units.empty();
  return by_units_only ? units.substr(2) : tokens + units;
}

Result<Exit> run_set(Context& context, const SetWords& words) {
  admin::PriceSet price;
  price.model = words.model;
  auto read = read_create(admin::k_price_fields, words.settings, context.now, price, [](std::string_view) {});
  if (!read) return tl::unexpected(read.error());
  std::string raw;
  auto set =
      context.client().send<admin::Edited<Price>>("PUT", path_of(words.model), price, context.call_options(), &raw);
  if (!set) return tl::unexpected(set.error());
  context.output.note(fmt::format("{}set the price of '{}': {}", context.would(), set->model, terms_of(*set)));
  auto printed = context.output.changes(set->changes, raw);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

// "unset the shipped price of 'm'? It stops 2 limited tokens: a, b"; empty where nobody need be asked.
std::string question_of(const admin::PriceUnset& unset) {
  const bool shipped = unset.source == "shipped";
  if (!shipped && unset.scheduled == 0) return {};
  std::string question = fmt::format("unset the {}price of '{}'", shipped ? "shipped " : "", unset.model);
  if (unset.scheduled > 0)
    question += fmt::format(", and {} scheduled {}", unset.scheduled, unset.scheduled == 1 ? "one" : "ones");
  question += "?";
  if (unset.stops.empty()) return question + " It stops no limited token.";
  return question + fmt::format(" It stops {}{} limited token{}: {}{}", unset.stops_more ? "more than " : "",
                                unset.stops.size(), unset.stops.size() == 1 && !unset.stops_more ? "" : "s",
                                join(unset.stops), unset.stops_more ? ", ..." : "");
}

// What a dry run says of all of them, asked once.
Result<Answer> confirm_unset(Context& context, const Texts& models) {
  std::string questions;
  if (context.globals.yes || context.globals.dry_run) return Answer::yes;
  for (const auto& model : models) {
    admin::CallOptions options;
    options.dry_run = true;
    const auto would = context.client().call("DELETE", path_of(model), {}, options);
    if (!would) continue;  // said when it is done
    const auto unset = admin::from_json<admin::PriceUnset>(would->body);
    if (!unset) return tl::unexpected(unset.error());
    const auto question = question_of(*unset);
    if (!question.empty()) questions += (questions.empty() ? "" : " ") + question;
  }
  return questions.empty() ? Result<Answer>(Answer::yes) : confirm(context, questions);
}

Result<Exit> run_unset(Context& context, const Texts& models) {
  const auto answer = confirm_unset(context, models);
  if (!answer) return tl::unexpected(answer.error());
  if (*answer == Answer::no)
    return context.refuse({base::ErrorCode::refused, "no price was unset", {}}, Exit::declined);
  return context.each(models, [&](const std::string& model) -> Result<void> {
    auto done = context.client().call("DELETE", path_of(model), {}, context.call_options());
    if (!done) return tl::unexpected(done.error());
    const auto gone = admin::from_json<admin::Edited<admin::PriceUnset>>(done->body);
    if (!gone) return tl::unexpected(gone.error());
    context.output.note(fmt::format("{}unset the price of '{}'", context.would(), model));
    if (context.globals.dry_run && !gone->stops.empty())
      context.output.note(fmt::format("limited tokens that could not call it any more: {}{}", join(gone->stops),
                                      gone->stops_more ? ", ..." : ""));
    return context.output.changes(gone->changes, done->body);
  });
}

struct QuoteWords {
  std::string model;
  std::optional<std::string> input, cached, cache_write, output, audio_input, audio_output, image_input, image_output;
  std::optional<std::string> long_cache_write, cached_audio, cached_image;
  std::optional<std::string> images, characters, seconds, searches, tier, group;
};

Result<Exit> run_quote(Context& context, const QuoteWords& words) {
  admin::PriceQuote quote;
  quote.model = words.model;
  quote.group = words.group;
  quote.tier = words.tier;
  for (const auto& [text, target] :
       {std::pair{&words.input, &quote.input_tokens}, std::pair{&words.cached, &quote.cached_tokens},
        std::pair{&words.cache_write, &quote.cache_write_tokens}, std::pair{&words.output, &quote.output_tokens},
        std::pair{&words.audio_input, &quote.audio_input_tokens},
        std::pair{&words.audio_output, &quote.audio_output_tokens},
        std::pair{&words.image_input, &quote.image_input_tokens},
        std::pair{&words.image_output, &quote.image_output_tokens},
        std::pair{&words.long_cache_write, &quote.long_cache_write_tokens},
        std::pair{&words.cached_audio, &quote.cached_audio_tokens},
        std::pair{&words.cached_image, &quote.cached_image_tokens}, std::pair{&words.images, &quote.images},
        std::pair{&words.characters, &quote.characters}, std::pair{&words.searches, &quote.searches}}) {
    auto count = optional_count(*text);
    if (!count) return tl::unexpected(count.error());
    *target = count->value_or(0);
  }
  if (words.seconds) {
    auto sound = base::parse_duration(*words.seconds);
    if (!sound) return tl::unexpected(sound.error());
    quote.audio_ms = sound->count();
  }
  std::string raw;
  auto quoted = context.client().send<admin::PriceQuoted>("POST", "/prices/quote", quote, {}, &raw);
  if (!quoted) return tl::unexpected(quoted.error());
  std::string text;
  for (const auto& line : quoted->lines) text += base::escape_for_terminal(line) + "\n";
  text += fmt::format("a limited token reserves ${} for it\n", quoted->reserved.to_decimal());
  auto printed = context.output.wants_data() ? context.output.object(raw) : context.output.text(text);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

void add_set(Commands& commands, CLI::App& price) {
  auto words = std::make_shared<SetWords>();
  CLI::App& verb = commands.verb(
      price,
      {"set",
       "Set a model's price, in dollars a million model tokens.",
       {"crctl price set gpt-4o-mini --input 0.15 --cached-input 0.075 --output 0.60",
        "crctl price set my-images --per-image 0.04"},
       "It changes what is named and keeps the rest; a new price needs --input and --output, or a --per-... ."},
      Effect::adds, [words](Context& context) { return run_set(context, *words); });
  add_name(verb, "MODEL", "MODEL", "The model.", words->model);
  add_setting_flags(verb, SettingVerb::create, admin::k_price_fields, words->settings);
}

void add_quote(Commands& commands, CLI::App& price) {
  auto words = std::make_shared<QuoteWords>();
  CLI::App& verb = commands.verb(price,
                                 {"quote",
                                  "What would a request cost? Prints the arithmetic.",
                                  {"crctl price quote gpt-4o --input 12k --output 800",
                                   "crctl price quote gpt-5.4 --input 300k --cached 200k --output 2k --tier priority"},
                                  {}},
                                 Effect::reads, [words](Context& context) { return run_quote(context, *words); });
  add_name(verb, "MODEL", "MODEL", "The model.", words->model);
  add_text(verb, "--input", "TOKENS", "Input tokens: 800, 12k, 1.5M (0).", words->input);
  add_text(verb, "--cached", "TOKENS", "How many of them were cached (0).", words->cached);
  add_text(verb, "--output", "TOKENS", "Output tokens (0).", words->output);
  add_text(verb, "--cache-write", "TOKENS", "How many of the input the provider cached (0).", words->cache_write);
  add_text(verb, "--audio-input", "TOKENS", "How many of the input were sound (0).", words->audio_input);
  add_text(verb, "--audio-output", "TOKENS", "How many of the output were sound (0).", words->audio_output);
  add_text(verb, "--image-input", "TOKENS", "How many of the input were pictures (0).", words->image_input);
  add_text(verb, "--image-output", "TOKENS", "How many of the output were pictures (0).", words->image_output);
  add_text(verb, "--cache-write-hour", "TOKENS", "How many of the cached it keeps for an hour (0).",
           words->long_cache_write);
  add_text(verb, "--cached-audio", "TOKENS", "How many of the cached were sound (0).", words->cached_audio);
  add_text(verb, "--cached-image", "TOKENS", "How many of the cached were pictures (0).", words->cached_image);
  add_text(verb, "--searches", "COUNT", "Web searches the provider made (0).", words->searches);
  add_text(verb, "--tier", "TIER", "The service tier that answered: priority, flex (the standard one).", words->tier);
  add_text(verb, "--images", "COUNT", "Images made (0).", words->images);
  add_text(verb, "--characters", "COUNT", "Characters spoken: 800, 12k (0).", words->characters);
  add_text(verb, "--audio", "DURATION", "Sound heard: 90s, 1h (0).", words->seconds);
  add_text(verb, "--group", "GROUP", "Use this group's multiplier.", words->group);
}

}  // namespace

void add_price(Commands& commands) {
  CLI::App& price = commands.noun("price", "Prices of models.");
  auto match = std::make_shared<std::optional<std::string>>();
  CLI::App& list = commands.verb(
      price, {"list", "List prices, in dollars a million model tokens.", {"crctl price list --match 'gpt-4*'"}, {}},
      Effect::reads, [match](Context& context) {
        std::string path = "/prices";
        if (*match) path += "?match=" + admin::encode_segment(**match);
        return run_list<Price>(context, price_kind(), {plain_pages(path), {}, {}});
      });
  add_text(list, "--match", "GLOB", "Only models that match, such as 'gpt-*'.", *match);
  auto shown = std::make_shared<std::string>();
  CLI::App& show =
      commands.verb(price, {"show", "Show a model's price.", {"crctl price show gpt-4o"}, {}}, Effect::reads,
                    [shown](Context& context) { return run_show(context, price_kind(), path_of(*shown)); });
  add_name(show, "MODEL", "MODEL", "The model.", *shown);
  add_set(commands, price);
  auto unset = std::make_shared<Texts>();
  CLI::App& remove = commands.verb(
      price,
      {"unset",
       "Forget prices; limited tokens cannot call an unpriced model.",
       {"crctl price unset my-model"},
       "Of a shipped or a scheduled price it asks, and names the tokens that it stops; --yes in scripts."},
      Effect::adds, [unset](Context& context) { return run_unset(context, *unset); });
  add_names(remove, "MODEL", "MODEL", "The models.", *unset);
  add_price_import(commands, price);
  add_quote(commands, price);
}

}  // namespace cr::crctl
