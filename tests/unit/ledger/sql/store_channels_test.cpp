// SPDX-License-Identifier: MIT
#include "base/url.h"
#include "ledger/core/channel_rules.h"
#include "ledger/sql/settings_json.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view k_key = "sk-proj-0123456789abcdefghij";

struct Url {
  const char* typed;
  const char* kept;  // null = refused
};

TEST(BaseUrl, is_checked_and_trimmed) {
  const Url rows[] = {
      {"https://api.openai.com/v1", "https://api.openai.com/v1"},
      {"https://api.openai.com/v1///", "https://api.openai.com/v1"},
      {"http://localhost:8080", "http://localhost:8080"},
      {"http://localhost:8080/", "http://localhost:8080"},
      {"http://[::1]:8080/v1", "http://[::1]:8080/v1"},
      {"http://10.0.0.1", "http://10.0.0.1"},
      {"", nullptr},
      {"api.openai.com/v1", nullptr},
      {"ftp://api.openai.com", nullptr},
      {"https://", nullptr},
      {"https:///v1", nullptr},
      {"https://user:hunter2@api.openai.com", nullptr},
      {"https://api.openai.com/v1?x=1", nullptr},
      {"https://api.openai.com/v1#top", nullptr},
      {"https://api.openai.com:0", nullptr},
      {"https://api.openai.com:65536", nullptr},
      {"https://api.openai.com:", nullptr},
      {"https://api.openai.com:8x", nullptr},
      {"https://[::1", nullptr},
      {"https://[zz]", nullptr},
      {"https://a b", nullptr},
      {"https://a\nb", nullptr},
      {"https://a,b", nullptr},
      {"https://a.test/@team/v1/", "https://a.test/@team/v1"},
      {"https://a.test/x\\v1", nullptr},
      {"https://[10.0.0.1]", nullptr},
  };
  for (const Url& row : rows) {
    const auto url = check_base_url(row.typed);
    ASSERT_EQ(url.has_value(), row.kept != nullptr) << row.typed;
    if (url) {
      EXPECT_EQ(*url, row.kept);
      EXPECT_TRUE(base::Url::parse(*url)) << "accepted, and no request could be sent to it: " << *url;
    }
    if (!url) {
      EXPECT_EQ(url.error().code, ErrorCode::invalid);
    }
    if (!url) {
      EXPECT_THAT(url.error().message, Not(HasSubstr("hunter2")));
    }
  }
}

class StoreChannels : public LedgerFixture {
 protected:
  void SetUp() override { open(); }
  static NewChannel wanted(const std::string& name) {
    NewChannel channel;
    channel.settings.name = name;
    channel.settings.base_url = "https://api.openai.com/v1/";
    channel.settings.models = {"gpt-*"};
    channel.settings.model_map = {{"fast", "gpt-4o-mini"}};
    channel.keys.emplace_back(k_key);
    return channel;
  }
  auto create(NewChannel channel) {
    return write([&](Store& store) { return store.create_channel(std::move(channel), actor_); });
  }
  auto edit(const std::function<void(ChannelRecord&)>& change, IfRev if_rev = {}) {
    return write([&](Store& store) {
      return store.edit_channel(
          "main",
          [&](ChannelRecord& channel) -> Result<void> {
            change(channel);
            return {};
          },
          if_rev, actor_);
    });
  }
  std::shared_ptr<const ChannelRecord> only() { return directory().channels().at(0); }
};

TEST_F(StoreChannels, created_one_is_complete_and_survives_a_restart) {
  ASSERT_TRUE(create(wanted("main")));
  for (int start = 0; start < 2; ++start) {
    const auto channel = only();
    EXPECT_EQ(channel->name, "main");
    EXPECT_EQ(channel->base_url, "https://api.openai.com/v1");
    EXPECT_EQ(channel->bound_field, "max_completion_tokens");
    EXPECT_THAT(channel->groups, ElementsAre("default"));
    EXPECT_TRUE(channel->model_set.allows("gpt-4o"));
    EXPECT_TRUE(channel->model_set.allows("fast"));
    EXPECT_FALSE(channel->model_set.allows("claude"));
    EXPECT_EQ(channel->timeout_connect, std::chrono::seconds(5));
    ASSERT_EQ(channel->keys.size(), 1U);
    EXPECT_EQ(channel->keys[0]->reveal(), k_key);
    EXPECT_EQ(channel->key_hints[0].first, "sk-proj-01");
    EXPECT_EQ(channel->key_created_at.size(), 1U);
    open();
  }
}

struct BadChannel {
  const char* what;
  std::function<void(NewChannel&)> spoil;
  ErrorCode code;
};

TEST_F(StoreChannels, bad_settings_are_refused) {
  ASSERT_TRUE(create(wanted("main")));
  const BadChannel rows[] = {
      {"name", [](NewChannel& c) { c.settings.name = "a b"; }, ErrorCode::invalid},
      {"taken", [](NewChannel& c) { c.settings.name = "MAIN"; }, ErrorCode::conflict},
      {"no url", [](NewChannel& c) { c.settings.base_url = ""; }, ErrorCode::invalid},
      {"bad url", [](NewChannel& c) { c.settings.base_url = "gopher://x"; }, ErrorCode::invalid},
      {"no models",
       [](NewChannel& c) {
         c.settings.models.clear();
         c.settings.model_map.clear();
       },
       ErrorCode::invalid},
      {"bad model", [](NewChannel& c) { c.settings.models = {""}; }, ErrorCode::invalid},
      {"alias is a pattern",
       [](NewChannel& c) {
         c.settings.model_map = {{"a*", "b"}};
       },
       ErrorCode::invalid},
      {"alias of nothing",
       [](NewChannel& c) {
         c.settings.model_map = {{"a", ""}};
       },
       ErrorCode::invalid},
      {"group", [](NewChannel& c) { c.settings.groups = {"vip"}; }, ErrorCode::not_found},
      {"weight", [](NewChannel& c) { c.settings.weight = -1; }, ErrorCode::invalid},
      {"timeout", [](NewChannel& c) { c.settings.timeout_idle = std::chrono::milliseconds(0); }, ErrorCode::invalid},
      {"delay", [](NewChannel& c) { c.settings.echo_delay = std::chrono::milliseconds(-1); }, ErrorCode::invalid},
      {"bound field", [](NewChannel& c) { c.settings.bound_field = "max"; }, ErrorCode::invalid},
      {"total timeout", [](NewChannel& c) { c.settings.timeout_total = std::chrono::hours(25); }, ErrorCode::invalid},
      {"header",
       [](NewChannel& c) {
         c.settings.headers = {{"host", "x"}};
       },
       ErrorCode::invalid},
      {"proxy", [](NewChannel& c) { c.settings.proxy = "socks5://x"; }, ErrorCode::invalid},
      {"relative path", [](NewChannel& c) { c.settings.ca_file = "ca.pem"; }, ErrorCode::invalid},
      {"certificate without key", [](NewChannel& c) { c.settings.client_cert = "/c.pem"; }, ErrorCode::invalid},
      {"key without certificate", [](NewChannel& c) { c.settings.client_key = "/k.pem"; }, ErrorCode::invalid},
      {"empty key", [](NewChannel& c) { c.keys.emplace_back(std::string_view()); }, ErrorCode::invalid},
      {"key with newline", [](NewChannel& c) { c.keys.emplace_back(std::string_view("sk-abc\n")); },
       ErrorCode::invalid},
  };
  for (const BadChannel& row : rows) {
    NewChannel channel = wanted("other");
    row.spoil(channel);
    const auto created = create(std::move(channel));
    ASSERT_FALSE(created) << row.what;
    EXPECT_EQ(created.error().code, row.code) << row.what << ": " << created.error().message;
  }
  EXPECT_EQ(directory().channels().size(), 1U);
}

TEST_F(StoreChannels, network_settings_are_kept_and_told_to_the_audit) {
  NewChannel channel = wanted("main");
  channel.settings.headers = {{"openai-organization", "org-1"}, {"x-team", "blue"}};
  channel.settings.proxy = "http://proxy.example.com:3128/";
  channel.settings.ca_file = "/etc/ca.pem";
  channel.settings.client_cert = "/etc/cert.pem";
  channel.settings.client_key = "/etc/key.pem";
  channel.settings.timeout_total = std::chrono::minutes(3);
  ASSERT_TRUE(create(std::move(channel)));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(only()->headers.at("x-team"), "blue");
    EXPECT_EQ(only()->proxy, "http://proxy.example.com:3128");
    EXPECT_EQ(only()->ca_file, "/etc/ca.pem");
    EXPECT_EQ(only()->client_cert, "/etc/cert.pem");
    EXPECT_EQ(only()->client_key, "/etc/key.pem");
    EXPECT_EQ(only()->timeout_total, std::chrono::minutes(3));
    open();
  }
  ASSERT_TRUE(edit([](ChannelRecord& record) {
    record.headers.erase("x-team");
    record.proxy.clear();
  }));
  const auto before = std::make_shared<const ChannelRecord>(*only());
  ChannelRecord after = *before;
  after.ca_file.clear();
  after.headers["x-team"] = "red";
  EXPECT_EQ(audit_detail(before.get(), &after),
            R"({"ca_file":{"from":"/etc/ca.pem","to":""},"headers":{"from":{"openai-organization":"org-1"},)"
            R"("to":{"openai-organization":"org-1","x-team":"red"}}})");
}

struct HeaderCase {
  std::string_view name, value, why;  // empty: accepted
};

TEST(ChannelHeaders, only_what_is_a_channels_to_say) {
  const std::string long_value(4096, 'v');
  const HeaderCase rows[] = {
      {"openai-organization", "org-1", ""},
      {"anthropic-beta", "a,b", ""},
      {"x-team", "blue green", ""},
      {"host", "x", "crd writes it itself"},
      {"user-agent", "x", "crd writes it itself"},
      {"content-type", "x", "crd writes it itself"},
      {"accept-encoding", "gzip", "crd writes it itself"},
      {"content-length", "5", "framed"},
      {"transfer-encoding", "chunked", "framed"},
      {"connection", "close", "framed"},
      {"te", "trailers", "framed"},
      {"trailer", "x", "framed"},
      {"upgrade", "h2c", "framed"},
      {"expect", "100-continue", "framed"},
      {"authorization", "Bearer x", "set-key"},
      {"x-api-key", "x", "set-key"},
      {"cookie", "a=b", "set-key"},
      {"proxy-authorization", "Basic x", "set-key"},
      {"idempotency-key", "x", "client's own"},
      {"x team", "x", "not a header's name"},
      {"", "x", "not a header's name"},
      {"X-Team", "x", "not a header's name"},
      {"x-team", "", "its value"},
      {"x-team", "a\r\nhost: b", "its value"},
      {"x-team", " a", "its value"},
      {"x-team", "\xc3\xa4", "its value"},
      {"x-team", long_value, "over 4096 bytes"},
  };
  for (const auto& row : rows) {
    const auto checked = check_headers({{std::string(row.name), std::string(row.value)}});
    EXPECT_EQ(checked.has_value(), row.why.empty()) << row.name;
    if (!checked) {
      EXPECT_THAT(checked.error().message + " " + checked.error().hint, testing::HasSubstr(std::string(row.why)));
    }
  }
  std::map<std::string, std::string> many;
  for (int i = 0; i < 17; ++i) many["x-" + std::to_string(i)] = "v";
  EXPECT_FALSE(check_headers(many));
}

TEST(ChannelProxy, is_a_host_and_a_port_and_nothing_secret) {
  for (const auto* good :
       {"http://proxy", "http://proxy.example.com:3128", "http://10.0.0.1:8080", "http://[::1]:3128/"})
    EXPECT_TRUE(check_proxy(good)) << good;
  for (const auto* bad : {"https://proxy", "socks5://proxy:1080", "proxy:3128", "http://", "http://proxy:0",
                          "http://proxy/path", "http://proxy?x", "http://pro xy"})
    EXPECT_FALSE(check_proxy(bad)) << bad;
  const auto secret = check_proxy("http://user:hunter2@proxy:3128");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().message.find("hunter2"), std::string::npos);
}

TEST_F(StoreChannels, echo_needs_no_url_and_others_have_the_old_bound_field) {
  NewChannel echo;
  echo.settings.name = "echo";
  echo.settings.kind = ChannelKind::echo;
  echo.settings.models = {"*"};
  ASSERT_TRUE(create(std::move(echo)));
  EXPECT_EQ(only()->bound_field, "max_tokens");
  EXPECT_EQ(default_bound_field(ChannelKind::openai, "https://api.openai.com"), "max_completion_tokens");
  EXPECT_EQ(default_bound_field(ChannelKind::openai, "https://api.openai.com.example.org/v1"), "max_tokens");
  EXPECT_EQ(default_bound_field(ChannelKind::anthropic, "https://api.openai.com"), "max_tokens");
}

TEST_F(StoreChannels, a_bound_field_that_was_chosen_stays_where_the_address_moves) {
  ASSERT_TRUE(create(wanted("main")));
  EXPECT_FALSE(only()->bound_field_chosen);
  ASSERT_TRUE(edit([](ChannelRecord& channel) { channel.bound_field = "none"; }));
  EXPECT_TRUE(only()->bound_field_chosen);
  ASSERT_TRUE(edit([](ChannelRecord& channel) { channel.base_url = "http://localhost:11434/v1"; }));
  EXPECT_EQ(only()->bound_field, "none");
  open();
  EXPECT_TRUE(only()->bound_field_chosen);
  ASSERT_TRUE(edit([](ChannelRecord& channel) { channel.bound_field = "auto"; }));
  EXPECT_EQ(only()->bound_field, "max_tokens");
  EXPECT_FALSE(only()->bound_field_chosen);
}

TEST_F(StoreChannels, what_is_said_of_a_provider_is_kept_and_checked) {
  ASSERT_TRUE(create(wanted("main")));
  EXPECT_EQ(only()->stream_usage, "auto");
  EXPECT_EQ(only()->cancels, "auto");
  ASSERT_TRUE(edit([](ChannelRecord& channel) {
    channel.stream_usage = "never";
    channel.cancels = "never";
    channel.output_rate_max = 250;
    channel.retry_after_timeout = true;
  }));
  open();
  EXPECT_EQ(only()->stream_usage, "never");
  EXPECT_EQ(only()->cancels, "never");
  EXPECT_EQ(only()->output_rate_max, 250);
  EXPECT_TRUE(only()->retry_after_timeout);
  for (const auto& spoil : std::initializer_list<std::function<void(ChannelRecord&)>>{
           [](ChannelRecord& c) { c.stream_usage = "often"; }, [](ChannelRecord& c) { c.cancels = "always"; },
           [](ChannelRecord& c) { c.output_rate_max = 0; }, [](ChannelRecord& c) { c.bound_field = "tokens"; }})
    EXPECT_EQ(edit(spoil).error().code, ErrorCode::invalid);
}

TEST_F(StoreChannels, edit_changes_settings_but_neither_ids_nor_keys) {
  ASSERT_TRUE(create(wanted("main")));
  const ChannelId id = only()->id;
  ASSERT_TRUE(edit([](ChannelRecord& channel) {
    channel.base_url = "http://localhost:11434/v1";
    channel.priority = 5;
    channel.id = ChannelId{77};
    channel.rev = 77;
    channel.keys.clear();
    channel.key_hints.clear();
  }));
  EXPECT_EQ(only()->id, id);
  EXPECT_EQ(only()->rev, 2);
  EXPECT_EQ(only()->priority, 5);
  EXPECT_EQ(only()->bound_field, "max_tokens");  // the usual one of the new place
  EXPECT_EQ(only()->keys.size(), 1U);
  EXPECT_EQ(edit([](ChannelRecord& channel) { channel.note = "x"; }, 1).error().code, ErrorCode::conflict);
  EXPECT_EQ(edit([](ChannelRecord& channel) { channel.models.clear(), channel.model_map.clear(); }).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(only()->rev, 2);
  ASSERT_TRUE(edit([](ChannelRecord&) {}));
  EXPECT_EQ(only()->rev, 2);
  open();
  EXPECT_EQ(only()->base_url, "http://localhost:11434/v1");
}

// Made under rules that were laxer: it can be disabled, and a new address is judged.
TEST_F(StoreChannels, an_old_address_stands_in_the_way_of_no_other_edit) {
  ASSERT_TRUE(create(wanted("main")));
  ledger_.reset();
  ASSERT_TRUE(
      database().execute("UPDATE channel SET base_url = 'https://a.test/x\\v1', proxy = 'http://[10.0.0.1]:3128'"));
  open();
  ASSERT_TRUE(edit([](ChannelRecord& channel) { channel.enabled = token::Switch::off; }));
  EXPECT_EQ(only()->base_url, "https://a.test/x\\v1");
  const auto moved = edit([](ChannelRecord& channel) { channel.base_url = "https://a.test/y\\v1"; });
  EXPECT_THAT(moved.error().message, HasSubstr("'\\'"));
  ASSERT_TRUE(edit([](ChannelRecord& channel) {
    channel.base_url = "https://a.test/v1";
    channel.proxy.clear();
  }));
}

TEST_F(StoreChannels, keys_are_set_added_and_removed) {
  ASSERT_TRUE(create(wanted("main")));
  const auto add = [&](std::string_view key) {
    return write([&](Store& store) { return store.add_channel_key("main", base::Secret(key), actor_); });
  };
  const auto remove = [&](std::string_view prefix) {
    return write([&](Store& store) { return store.remove_channel_key("main", prefix, actor_); });
  };
  ASSERT_TRUE(add("sk-proj-zyxwvutsrqponmlkjihg"));
  EXPECT_EQ(add("sk-proj-zyxwvutsrqponmlkjihg").error().code, ErrorCode::conflict);
  EXPECT_EQ(only()->keys.size(), 2U);
  EXPECT_EQ(remove("sk-proj-").error().code, ErrorCode::conflict);
  EXPECT_EQ(remove("sk-none").error().code, ErrorCode::not_found);
  EXPECT_EQ(remove("").error().code, ErrorCode::not_found);
  ASSERT_TRUE(remove("sk-proj-01"));
  ASSERT_EQ(only()->keys.size(), 1U);
  EXPECT_EQ(only()->keys[0]->reveal(), "sk-proj-zyxwvutsrqponmlkjihg");
  ASSERT_TRUE(write([&](Store& store) {
    std::vector<base::Secret> keys;
    keys.emplace_back(std::string_view("sk-new-abcdefghijklmnopqrst"));
    return store.set_channel_keys("main", std::move(keys), actor_);
  }));
  open();
  ASSERT_EQ(only()->keys.size(), 1U);
  EXPECT_EQ(only()->keys[0]->reveal(), "sk-new-abcdefghijklmnopqrst");
  const auto rows = read([](Reports& reports) { return reports.audit(0, 100); });
  for (const auto& row : *rows) {
    EXPECT_THAT(row.detail, Not(HasSubstr("abcdefghijklmnopqrst")));
  }
}

TEST_F(StoreChannels, groups_see_their_channels_by_priority) {
  GroupRecord vip;
  vip.name = "vip";
  ASSERT_TRUE(write([&](Store& store) { return store.create_group(vip, actor_); }));
  for (const auto& [name, priority] : {std::pair("b", 1), std::pair("a", 1), std::pair("c", 9)}) {
    NewChannel channel = wanted(name);
    channel.settings.priority = priority;
    channel.settings.groups = {"default", "vip"};
    ASSERT_TRUE(create(std::move(channel)));
  }
  const auto names_of = [&](std::string_view group) {
    std::vector<std::string> names;
    for (const auto& channel : directory().channels_of(group)) names.push_back(channel->name);
    return names;
  };
  EXPECT_THAT(names_of("vip"), ElementsAre("c", "a", "b"));
  EXPECT_TRUE(names_of("nobody").empty());
  EXPECT_EQ(write([&](Store& store) { return store.delete_group("vip", {}, actor_); }).error().code,
            ErrorCode::conflict);
  const auto groups = read([](Reports& reports) { return reports.groups(); });
  ASSERT_EQ(groups->size(), 2U);
  EXPECT_THAT((*groups)[1].channels, ElementsAre("a", "b", "c"));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_channel("c", {}, actor_); }));
  EXPECT_THAT(names_of("vip"), ElementsAre("a", "b"));
  EXPECT_EQ(write([&](Store& store) { return store.delete_channel("c", {}, actor_); }).error().code,
            ErrorCode::not_found);
  open();
  EXPECT_THAT(names_of("vip"), ElementsAre("a", "b"));
  ASSERT_TRUE(create(wanted("c")));  // the name is free again
}

}  // namespace
}  // namespace cr::ledger
