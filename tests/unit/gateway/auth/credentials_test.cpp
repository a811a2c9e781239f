#include "auth/credentials.h"

#include <gtest/gtest.h>

namespace firn::gateway {
namespace {

TEST(RootCredential, IsFoundByItsKeyAlone) {
  const RootCredentialSource source("AK", "SK");
  ASSERT_NE(source.find("AK"), nullptr);
  EXPECT_EQ(source.find("AK")->secret_key, "SK");
  EXPECT_EQ(source.find("ak"), nullptr);
  EXPECT_EQ(source.find(""), nullptr);
}

TEST(RootCredential, KeepsItsAccountButNotItsIdWhenReplaced) {
  RootCredentialSource source("AK", "SK");
  const CredentialPtr before = source.find("AK");
  source.replace("AK2", "SK2");
  EXPECT_EQ(source.find("AK"), nullptr);
  const CredentialPtr after = source.find("AK2");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->identity.canonical_id, before->identity.canonical_id);
  EXPECT_EQ(after->identity.canonical_id.size(), 64u);
  EXPECT_NE(after->id, before->id);
  EXPECT_EQ(before->secret_key, "SK");  // A request under way still has what it began with.
}

}  // namespace
}  // namespace firn::gateway
