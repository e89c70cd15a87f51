// SPDX-License-Identifier: MIT
#include "relay/request/credentials.h"

#include <gmock/gmock.h>

namespace cr::relay::request {
namespace {

using testing::HasSubstr;
using testing::Not;

using Fields = std::vector<http::message::Field>;

// The offers, and the head that they look into.
class Read {
 public:
  explicit Read(const Fields& fields) {
    head_.fields = fields;
    offers_ = read_offers(head_);
  }
  const Offers* operator->() const { return &offers_; }
  const Offer& operator[](std::size_t i) const { return offers_[i]; }

 private:
  http::message::RequestHead head_;
  Offers offers_;
};

TEST(Credentials, EachFieldThatCarriesAKey) {
  for (const auto& field :
       {http::message::Field{"authorization", "Bearer k1"}, http::message::Field{"Authorization", "bEARER k1"},
        http::message::Field{"AUTHORIZATION", "Bearer   k1"}, http::message::Field{"x-api-key", "k1"},
        http::message::Field{"X-Api-Key", "k1"}, http::message::Field{"Api-Key", "k1"},
        http::message::Field{"x-goog-api-key", "k1"}}) {
    const Read read(Fields{{"host", "k2"}, field, {"cookie", "k3"}});
    ASSERT_EQ(read->size(), 1u) << field.name;
    EXPECT_EQ(read[0].key, "k1") << field.name;
    EXPECT_EQ(read[0].mistake(), "");
  }
}

TEST(Credentials, WhatIsEmptyIsNone) {
  EXPECT_TRUE(Read(Fields{{"authorization", ""}, {"x-api-key", ""}, {"api-key", ""}, {"x-goog-api-key", ""}})->empty());
  EXPECT_TRUE(Read(Fields{{"authorization", "Bearer"}})->empty());
  EXPECT_TRUE(Read(Fields{{"proxy-authorization", "Bearer k"}, {"x-api-keys", "k"}})->empty());
  const Read read(Fields{{"authorization", "Bearer "}, {"x-api-key", "k1"}});
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read[0].key, "k1");
}

TEST(Credentials, SeveralAreAllOffered) {
  const Read read(Fields{{"x-api-key", "k1"}, {"authorization", "Bearer k2"}, {"x-api-key", "k3"}});
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ(read[0].key, "k2");
  EXPECT_EQ(read[1].key, "k1");
  EXPECT_EQ(read[2].key, "k3");
  const Read many(Fields(100, {"x-api-key", "k"}));
  EXPECT_EQ(many->size(), k_offers_max + 1) << "and no more kept";
  EXPECT_TRUE(many->too_many());
}

TEST(Credentials, MistakesAreNamedAndNeverRepeatTheKey) {
  struct Row {
    http::message::Field field;
    std::string said;
  };
  for (const Row& row : {
           Row{{"authorization", "Bearer Bearer sk-secret"}, "'Bearer' twice"},
           Row{{"authorization", "bearer BEARER  sk-secret"}, "'Bearer' twice"},
           Row{{"authorization", "sk-secret"}, "no 'Bearer' before the key"},
           Row{{"authorization", "Basic sk-secret"}, "is not 'Bearer KEY'"},
           Row{{"authorization", "Bearer\tsk-secret"}, "is not 'Bearer KEY'"},
           Row{{"authorization", "Bearer \"sk-secret\""}, "in quotes"},
           Row{{"authorization", "Bearer 'sk-secret'"}, "in quotes"},
           Row{{"authorization", "\"sk-secret\""}, "in quotes"},
           Row{{"authorization", "Bearer \xE2\x80\x9Csk-secret\xE2\x80\x9D"}, "in quotes"},
           Row{{"authorization", "Bearer sk-secret\""}, "in quotes"},
           Row{{"authorization", "Bearer sk-secret, Bearer sk-secret"}, "a comma"},
           Row{{"authorization", "Bearer sk-secret junk"}, "a blank"},
           Row{{"authorization", "Bearer $OPENAI_sk-secret"}, "not replaced"},
           Row{{"authorization", "Bearer {{sk-secret}}"}, "not replaced"},
           Row{{"authorization", "Bearer undefined"}, "not replaced"},
           Row{{"x-api-key", "Bearer sk-secret"}, "x-api-key says 'Bearer'"},
           Row{{"X-Goog-Api-Key", "\"sk-secret\""}, "in quotes"},
           Row{{"api-key", "sk-secret sk-secret"}, "a blank"},
       }) {
    const Read read(Fields{row.field});
    ASSERT_EQ(read->size(), 1u) << row.field.value;
    EXPECT_THAT(read[0].mistake(), HasSubstr(row.said)) << row.field.value;
    EXPECT_THAT(read[0].mistake(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace cr::relay::request
