#include "certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

namespace firn {
namespace {

constexpr long kDaySeconds = 24 * 3600;

X509* make_certificate(EVP_PKEY* key, const std::string& name, long serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kDaySeconds);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate, key);
  return certificate;
}

void write(const std::string& path, X509* certificate, EVP_PKEY* key) {
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  const int written = certificate != nullptr ? PEM_write_X509(file, certificate)
                                             : PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  EXPECT_EQ(written, 1);
  std::fclose(file);
}

}  // namespace

struct Authority::Keys {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = nullptr;
};

Authority::Authority(const std::string& name)
    : folder_(testing::TempDir() + "firn_" + name + "_" + std::to_string(::getpid())), keys_(new Keys) {
  std::filesystem::create_directories(folder_);
  keys_->certificate = make_certificate(keys_->key, name, 1);
  X509_set_issuer_name(keys_->certificate, X509_get_subject_name(keys_->certificate));
  X509_EXTENSION* may_sign = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
  X509_add_ext(keys_->certificate, may_sign, -1);
  X509_EXTENSION_free(may_sign);
  EXPECT_GT(X509_sign(keys_->certificate, keys_->key, EVP_sha256()), 0);
  write(path("authority.crt"), keys_->certificate, nullptr);
}

Authority::~Authority() {
  X509_free(keys_->certificate);
  EVP_PKEY_free(keys_->key);
  delete keys_;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

PeerTls Authority::issue(const std::string& node) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = make_certificate(key, node, 2);
  X509_set_issuer_name(certificate, X509_get_subject_name(keys_->certificate));
  EXPECT_GT(X509_sign(certificate, keys_->key, EVP_sha256()), 0);
  PeerTls files{.certificate_path = path(node + ".crt"),
                .key_path = path(node + ".key"),
                .authority_path = path("authority.crt")};
  write(files.certificate_path, certificate, nullptr);
  write(files.key_path, nullptr, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace firn
