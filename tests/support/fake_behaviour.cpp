// SPDX-License-Identifier: MIT
#include "support/fake_behaviour.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace cr::test {
namespace {

using Json = nlohmann::json;
using Field = std::function<void(Behaviour&, const Json&)>;

template <class T>
Field into(T Behaviour::*member) {
  return [member](Behaviour& behaviour, const Json& json) { behaviour.*member = json.get<T>(); };
}
template <class T>
Field into(std::optional<T> Behaviour::*member) {
  return [member](Behaviour& behaviour, const Json& json) { behaviour.*member = json.get<T>(); };
}
Field into(std::chrono::milliseconds Behaviour::*member) {
  return [member](Behaviour& behaviour, const Json& json) {
    behaviour.*member = std::chrono::milliseconds(json.get<std::int64_t>());
  };
}

const std::map<std::string, Field>& fields() {
  static const std::map<std::string, Field> k_fields = {
      {"times", into(&Behaviour::times)},
      {"model", into(&Behaviour::model)},
      {"endpoint", into(&Behaviour::endpoint)},
      {"authorization_end", into(&Behaviour::authorization_end)},
      {"contains", into(&Behaviour::contains)},
      {"bound_over", into(&Behaviour::bound_over)},
      {"status", into(&Behaviour::status)},
      {"body", into(&Behaviour::body)},
      {"raw", into(&Behaviour::raw)},
      {"headers", into(&Behaviour::headers)},
      {"content_type", into(&Behaviour::content_type)},
      {"events", into(&Behaviour::events)},
      {"head_delay_ms", into(&Behaviour::head_delay)},
      {"event_delay_ms", into(&Behaviour::event_delay)},
      {"piece_delay_ms", into(&Behaviour::piece_delay)},
      {"cut_after", into(&Behaviour::cut_after)},
      {"silent_after", into(&Behaviour::silent_after)},
      {"error_after", into(&Behaviour::error_after)},
      {"reset", into(&Behaviour::reset)},
      {"usage", into(&Behaviour::usage)},
      {"done", into(&Behaviour::done)},
      {"gzip", into(&Behaviour::gzip)},
      {"close", into(&Behaviour::close)},
      {"piece_bytes", into(&Behaviour::piece_bytes)},
      {"blob_bytes", into(&Behaviour::blob_bytes)},
      {"billed", into(&Behaviour::billed)},
      {"works_on", into(&Behaviour::works_on)},
      {"tier", into(&Behaviour::tier)},
      {"answers_as", into(&Behaviour::answers_as)},
      {"deployments", into(&Behaviour::deployments)},
      {"early", into(&Behaviour::early)},
      {"stop_reading", into(&Behaviour::stop_reading)},
      {"flood_events", into(&Behaviour::flood_events)},
      {"flood_bytes", into(&Behaviour::flood_bytes)},
  };
  return k_fields;
}

Json usage_json(const FakeUsage& usage) {
  return {{"input", usage.input},
          {"cached", usage.cached},
          {"output", usage.output},
          {"images", usage.images},
          {"characters", usage.characters},
          {"search_units", usage.search_units},
          {"cache_write", usage.cache_write},
          {"long_cache_write", usage.long_cache_write},
          {"reasoning", usage.reasoning},
          {"searches", usage.searches}};
}

}  // namespace

Behaviour Behaviour::from_json(const Json& json) {
  Behaviour behaviour;
  for (const auto& [name, value] : json.items()) {
    auto field = fields().find(name);
    if (field == fields().end()) throw std::invalid_argument("unknown member '" + name + "'");
    field->second(behaviour, value);
  }
  return behaviour;
}

std::string Witnessed::answer_id() const {
  return "req_fake_" + std::to_string(::getpid()) + "_" + std::to_string(id);
}

Json Witnessed::to_json() const {
  return {{"id", id},
          {"endpoint", endpoint},
          {"model", model},
          {"authorization_end", authorization_end},
          {"bound", bound ? Json(*bound) : Json()},
          {"stream", stream},
          {"status", status},
          {"ending", ending},
          {"consumed", usage_json(consumed)},
          {"answered_by", sale.model},
          {"tier", sale.tier},
          {"bill", bill()},
          {"own", own},
          {"reported", reported ? usage_json(*reported) : Json()}};
}

namespace {

// The output bound that a JSON body asks for; 0: none.
std::int64_t bound_of(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return 0;
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    if (json.contains(name) && json[name].is_number_integer()) return json[name].get<std::int64_t>();
  }
  return 0;
}

}  // namespace

std::string flood_event(std::size_t number, std::size_t bytes) {
  std::string text = "data: {\"flood\":" + std::to_string(number) + ",\"pad\":\"";
  constexpr std::string_view k_end = "\"}\n\n";
  text.append(bytes - std::min(bytes, text.size() + k_end.size()), static_cast<char>('a' + number % 26));
  return text.append(k_end);
}

void World::add(Behaviour behaviour) {
  std::lock_guard lock(mutex_);
  behaviours_.push_back(std::move(behaviour));
}

Behaviour World::take(const Witnessed& seen) {
  std::lock_guard lock(mutex_);
  auto fits = [&](const Behaviour& behaviour) {
    return !behaviour.early && !behaviour.stop_reading && (behaviour.model.empty() || behaviour.model == seen.model) &&
           (behaviour.endpoint.empty() || behaviour.endpoint == seen.endpoint) &&
           (behaviour.authorization_end.empty() || behaviour.authorization_end == seen.authorization_end) &&
           (behaviour.contains.empty() || seen.request.body.find(behaviour.contains) != std::string::npos) &&
           (!behaviour.bound_over || bound_of(seen.request.body) > *behaviour.bound_over) &&
           (!seen.probe || behaviour.times < 0);
  };
  auto found = std::find_if(behaviours_.begin(), behaviours_.end(), fits);
  if (found == behaviours_.end()) return {};
  Behaviour behaviour = *found;
  if (found->times > 0 && --found->times == 0) behaviours_.erase(found);
  return behaviour;
}

std::optional<Behaviour> World::take_early(const std::string& endpoint) {
  std::lock_guard lock(mutex_);
  auto found = std::find_if(behaviours_.begin(), behaviours_.end(), [&](const Behaviour& behaviour) {
    return (behaviour.early || behaviour.stop_reading) &&
           (behaviour.endpoint.empty() || behaviour.endpoint == endpoint);
  });
  if (found == behaviours_.end()) return std::nullopt;
  Behaviour behaviour = *found;
  if (found->times > 0 && --found->times == 0) behaviours_.erase(found);
  return behaviour;
}

void World::note_head() {
  std::lock_guard lock(mutex_);
  ++heads_;
  changed_.notify_all();
}

void World::note_partial() {
  std::lock_guard lock(mutex_);
  ++partial_;
  changed_.notify_all();
}

void World::reset() {
  std::lock_guard lock(mutex_);
  behaviours_.clear();
  heads_ = partial_ = 0;
  for (auto seen = seen_.upper_bound(forgotten_); seen != seen_.end(); ++seen) seen->second.request = {};
  forgotten_ = last_id_;
  gate_closed_ = false;
  changed_.notify_all();
}

std::uint64_t World::arrive(Witnessed seen) {
  std::lock_guard lock(mutex_);
  seen.id = ++last_id_;
  seen.prices = prices_;
  seen_.emplace(seen.id, std::move(seen));
  changed_.notify_all();
  return last_id_;
}

void World::note(std::uint64_t id, const std::function<void(Witnessed&)>& change) {
  std::lock_guard lock(mutex_);
  auto& seen = seen_.at(id);
  change(seen);
  if (!seen.ending.empty()) changed_.notify_all();
}

void World::close_gate(std::int64_t after) {
  std::lock_guard lock(mutex_);
  gate_closed_ = true;
  gate_after_ = after;
}

void World::open_gate() {
  std::lock_guard lock(mutex_);
  gate_closed_ = false;
}

bool World::pass_gate(std::int64_t at, const Wire& wire) {
  auto shut = [&] { return gate_closed_ && gate_after_ == at; };
  {
    std::lock_guard lock(mutex_);
    if (!shut()) return true;
    ++held_;
    changed_.notify_all();
  }
  const bool stayed = wire.wait([&] {
    std::lock_guard lock(mutex_);
    return !shut();
  });
  std::lock_guard lock(mutex_);
  --held_;
  return stayed;
}

std::map<std::string, std::int64_t> World::counts() const {
  std::map<std::string, std::int64_t> counts{{"arrived", 0},        {"finished", 0}, {"held", held_}, {"heads", heads_},
                                             {"partial", partial_}, {"complete", 0}, {"gone", 0},     {"flood", 0},
                                             {"probes", 0},         {"input", 0},    {"cached", 0},   {"output", 0}};
  for (const auto& [id, seen] : in_sight()) {
    ++counts[seen.probe ? "probes" : "arrived"];
    if (seen.probe) continue;
    if (!seen.ending.empty()) {
      ++counts["finished"];
      ++counts[seen.ending];
    }
    counts["flood"] += seen.flood;
    counts["input"] += seen.consumed.input;
    counts["cached"] += seen.consumed.cached;
    counts["output"] += seen.consumed.output;
  }
  return counts;
}

Json World::tally() const {
  std::lock_guard lock(mutex_);
  Json json = counts();
  json["connections"] = HttpServer::connections();
  json["open_connections"] = HttpServer::open_connections();
  json["models"] = Json::object();
  for (const auto& [id, seen] : in_sight()) {
    if (seen.probe) continue;
    auto& count = json["models"][seen.model];
    count = (count.is_null() ? 0 : count.get<std::int64_t>()) + 1;
  }
  return json;
}

Json World::requests() const {
  std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const auto& [id, seen] : in_sight()) {
    if (seen.probe) continue;
    Json row = seen.to_json();
    row["method"] = seen.request.method;
    row["target"] = seen.request.target;
    row["headers"] = Json::array();
    for (const auto& [name, value] : seen.request.headers) row["headers"].push_back({name, value});
    const bool is_text = seen.request.body_sha256.empty();  // else a form with files: its digest stands for it
    row["body"] = is_text ? seen.request.body : std::string();
    row["body_bytes"] = seen.request.body_bytes;
    row["body_sha256"] = seen.request.body_sha256;
    list.push_back(std::move(row));
  }
  return list;
}

Json World::request(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  return seen_.at(id).to_json();
}

Json World::bill() const {
  std::lock_guard lock(mutex_);
  std::int64_t requests = 0, own = 0, running = 0;
  Json answers = Json::array();
  for (const auto& [id, seen] : seen_) {
    const auto bill = seen.bill();
    (seen.own ? own : requests) += bill;
    running += seen.ending.empty() ? 1 : 0;
    const bool whole = seen.ending == "complete" && seen.reported;
    if (!seen.own) answers.push_back({{"id", seen.answer_id()}, {"bill", bill}, {"whole", whole}});
  }
  return {{"requests", requests}, {"own", own}, {"answers", std::move(answers)}, {"running", running}};
}

void World::change_price(const Json& price) {
  std::map<std::string, std::string> rates = price;
  const auto model = rates.extract("model");
  if (model.empty()) throw std::invalid_argument("the price of which model?");
  std::lock_guard lock(mutex_);
  auto changed = *prices_;
  changed.change(model.mapped(), rates);
  prices_ = std::make_shared<const FakeBill>(std::move(changed));
}

bool World::wait_for(const std::map<std::string, std::int64_t>& least, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] {
    const auto now = counts();
    return std::all_of(least.begin(), least.end(), [&](const auto& wanted) {
      auto found = now.find(wanted.first);
      return found != now.end() && found->second >= wanted.second;
    });
  });
}

}  // namespace cr::test
