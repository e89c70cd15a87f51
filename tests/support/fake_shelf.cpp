// SPDX-License-Identifier: MIT
#include "support/fake_shelf.h"

namespace cr::test {
namespace {

FakeAnswer refusal(int status, const std::string& message, const Json& code = nullptr) {
  FakeAnswer answer;
  answer.status = status;
  answer.body =
      Json{{"error", {{"message", message}, {"type", "invalid_request_error"}, {"param", nullptr}, {"code", code}}}}
          .dump();
  return answer;
}

FakeAnswer plain(const Json& body) {
  FakeAnswer answer;
  answer.body = body.dump();
  return answer;
}

FakeAnswer streamed(const Json& response) {
  FakeAnswer answer;
  answer.stream = true;
  const Json last = {{"type", "response.completed"}, {"sequence_number", 1}, {"response", response}};
  answer.events.push_back({"event: response.completed\ndata: " + last.dump() + "\n\n", 0});
  return answer;
}

}  // namespace

void FakeShelf::keep(const std::string& key, const FakeAnswer& answer) {
  if (answer.stored.empty()) return;
  const auto response = Json::parse(answer.stored);
  const std::lock_guard lock(mutex_);
  kept_[{key, response["id"]}] = response;
}

std::optional<FakeAnswer> FakeShelf::complaint(const std::string& key, const Json& request) {
  if (!request.is_object() || !request.contains("previous_response_id")) return std::nullopt;
  const Json& id = request["previous_response_id"];
  if (!id.is_string()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (kept_.contains({key, id})) return std::nullopt;
  return refusal(400, "Previous response not found.", "previous_response_not_found");
}

FakeAnswer FakeShelf::answer(const std::string& key, const HttpRequest& request, const std::string& endpoint) {
  const auto rest = endpoint.substr(std::string("responses/").size());
  const auto id = rest.substr(0, rest.find('/'));
  const auto action = rest.substr(id.size());
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find({key, id});
  if (found == kept_.end()) return refusal(404, "Response with id '" + id + "' not found.");
  if (action == "/input_items" && request.method == "GET")
    return plain({{"object", "list"}, {"data", Json::array()}, {"has_more", false}});
  if (action == "/cancel" && request.method == "POST") {
    found->second["status"] = "cancelled";
    return plain(found->second);
  }
  if (action.empty() && request.method == "DELETE") {
    kept_.erase(found);
    return plain({{"id", id}, {"object", "response"}, {"deleted", true}});
  }
  if (!action.empty() || request.method != "GET") return refusal(405, "Method not allowed.");
  return request.query("stream") == "true" ? streamed(found->second) : plain(found->second);
}

}  // namespace cr::test
