#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "http/tls_context.h"
#include "test_client.h"
#include "test_server.h"

namespace firn::gateway {
namespace {

using namespace test;

constexpr long kDaySeconds = 24 * 3600;

/// Writes a fresh key and a certificate of its own for it.
void write_certificate(const std::string& certificate_path, const std::string& key_path, long serial,
                       long begins_seconds = -kDaySeconds, long ends_seconds = kDaySeconds) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begins_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), ends_seconds);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  ASSERT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  FILE* file = std::fopen((certificate_path + ".new").c_str(), "w");
  ASSERT_EQ(PEM_write_X509(file, certificate), 1);
  std::fclose(file);
  file = std::fopen((key_path + ".new").c_str(), "w");
  ASSERT_EQ(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  std::fclose(file);
  std::filesystem::rename(key_path + ".new", key_path);
  std::filesystem::rename(certificate_path + ".new", certificate_path);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

/// The same client under TLS. It takes any certificate.
class TlsClient final : public Client {
 public:
  explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
      : Client(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_, 0);  // Or OpenSSL itself would refuse to offer what the server must refuse.
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, version_max);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, descriptor());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool connected() const { return connected_; }
  long serial() const {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    const long serial = ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
    X509_free(certificate);
    return serial;
  }
  std::string version() const { return SSL_get_version(ssl_); }
  bool send(std::string_view bytes) override {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }

 protected:
  std::size_t read_some(char* into, std::size_t bytes) override {
    const int received = SSL_read(ssl_, into, static_cast<int>(bytes));
    return received > 0 ? static_cast<std::size_t>(received) : 0;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : folder_(testing::TempDir() + "firn_tls_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    write_certificate(certificate_, key_, 1);
    auto loaded = TlsContext::load(certificate_, key_, clock_);
    EXPECT_TRUE(loaded) << loaded.error().detail;
    tls_ = std::move(*loaded);
    server_ = std::make_unique<TestServer>(Server::Options{.tls_certificate_path = certificate_}, tls_.get());
  }
  ~TlsTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  const std::string folder_;
  const std::string certificate_ = folder_ + "/public.crt";
  const std::string key_ = folder_ + "/private.key";
  ManualClock clock_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(TlsTest, ServesSmallAndLargeBodiesBothWays) {
  TlsClient client(server_->port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.version(), "TLSv1.3");
  for (const std::size_t bytes : {0, 1, 1000, 16'384, 20'000, 1'000'000}) {
    const std::string body(bytes, 'x');
    ASSERT_TRUE(client.send(request_with_body("/b/k", body)));
    const auto answer = client.receive();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->status, 200) << answer->body;
    ASSERT_EQ(answer->body, body);
  }
  ASSERT_TRUE(client.send(get("/b/10000000-99999")));
  EXPECT_EQ(client.receive()->body.size(), 10'000'000u);
}

TEST_F(TlsTest, SpeaksTls12AndNothingOlder) {
  TlsClient newer(server_->port(), TLS1_2_VERSION);
  ASSERT_TRUE(newer.connected());
  EXPECT_EQ(newer.version(), "TLSv1.2");
  ASSERT_TRUE(newer.send(get("/b/3")));
  EXPECT_EQ(newer.receive()->status, 200);
  EXPECT_FALSE(TlsClient(server_->port(), TLS1_1_VERSION).connected());
  EXPECT_FALSE(TlsClient(server_->port(), TLS1_VERSION).connected());
}

TEST_F(TlsTest, EndsAConnectionThatIsPlain) {
  Client plain(server_->port());
  plain.send(get("/b/3"));
  EXPECT_EQ(plain.receive_all().find("HTTP"), std::string::npos);
  TlsClient proper(server_->port());
  EXPECT_TRUE(proper.connected());
}

TEST_F(TlsTest, CutsAClientThatNeverShakesHands) {
  Client silent(server_->port());
  while (!silent.ended()) {
    server_->clock().advance(std::chrono::seconds(1));
    server_->sweep();
  }
}

TEST_F(TlsTest, ServesANewCertificateWithoutDroppingAnybody) {
  TlsClient before(server_->port());
  ASSERT_EQ(before.serial(), 1);
  write_certificate(certificate_, key_, 2);
  clock_.advance(std::chrono::seconds(2));
  TlsClient after(server_->port());
  ASSERT_TRUE(after.connected());
  EXPECT_EQ(after.serial(), 2);
  ASSERT_TRUE(before.send(get("/b/3")));
  EXPECT_EQ(before.receive()->status, 200);
}

TEST_F(TlsTest, KeepsTheOldCertificateWhileTheNewFilesAreOfNoUse) {
  std::filesystem::resize_file(certificate_, 10);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(TlsClient(server_->port()).serial(), 1);
  write_certificate(certificate_, key_, 3, -2 * kDaySeconds, -kDaySeconds);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(TlsClient(server_->port()).serial(), 1);
  write_certificate(certificate_, key_, 4);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(TlsClient(server_->port()).serial(), 4);
}

TEST_F(TlsTest, RefusesToStartWithFilesOfNoUse) {
  const auto refusal = [&] { return TlsContext::load(certificate_, key_, clock_).code(); };
  write_certificate(certificate_, key_, 5, -2 * kDaySeconds, -kDaySeconds);
  EXPECT_EQ(refusal(), Errc::io_error);
  write_certificate(certificate_, key_, 6, kDaySeconds, 2 * kDaySeconds);
  EXPECT_EQ(refusal(), Errc::io_error);
  write_certificate(certificate_, folder_ + "/other.key", 7);
  EXPECT_EQ(refusal(), Errc::io_error);  // The key of another certificate.
  std::filesystem::remove(key_);
  EXPECT_EQ(refusal(), Errc::io_error);
}

}  // namespace
}  // namespace firn::gateway
