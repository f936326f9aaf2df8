// OpenSSL 3 for Swift: what is a macro over there is an inline function here.
#pragma once

// SHA256_CTX is deprecated in favour of contexts on the heap. Cookies are sealed on the data path,
// where a digest state that is a plain value and can be copied is what is needed.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Each returns what the macro returns: 1, or a bit mask, unless it says otherwise.

static inline void cssl_context_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
}

static inline void cssl_context_set_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

static inline void cssl_context_set_client_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline int cssl_context_set_minimum_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int cssl_context_set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

static inline void cssl_context_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline void cssl_context_set_ticket_callback(
    SSL_CTX *context,
    int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

static inline void cssl_context_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
    SSL_CTX_set_tlsext_status_cb(context, callback);
}

// Takes a copy of the bytes; 0 when there is no memory.
static inline int cssl_set_staple(SSL *ssl, const void *bytes, size_t count) {
    void *copy = OPENSSL_memdup(bytes, count);
    if (copy == NULL) return 0;
    return (int)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count);
}

static inline int cssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline void *cssl_context_data(const SSL *ssl) {
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
}

// Decrypts or encrypts a ticket with AES-256-CBC and HMAC-SHA256 (RFC 5077 §4); 0 on failure.
static inline int cssl_ticket_prepare(
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const unsigned char *cipher_key,
    const unsigned char *mac_key, const unsigned char *vector, int encrypts) {
    static char digest[] = "SHA256";
    OSSL_PARAM parameters[3];
    parameters[0] =
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)mac_key, 32);
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    parameters[2] = OSSL_PARAM_construct_end();
    if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return 0;
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, vector, encrypts);
}

static inline void cssl_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void cssl_bio_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void cssl_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline void cssl_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }
static inline STACK_OF(X509) *cssl_chain_make(void) { return sk_X509_new_null(); }
static inline int cssl_chain_push(STACK_OF(X509) *chain, X509 *certificate) {
    return sk_X509_push(chain, certificate);
}
static inline int cssl_chain_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *cssl_chain_get(const STACK_OF(X509) *chain, int index) {
    return sk_X509_value(chain, index);
}

static inline STACK_OF(X509_NAME) *cssl_names_make(void) { return sk_X509_NAME_new_null(); }
static inline void cssl_names_free(STACK_OF(X509_NAME) *names) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}

// Adds a copy of the certificate's subject; 0 without memory.
static inline int cssl_names_add(STACK_OF(X509_NAME) *names, const X509 *certificate) {
    X509_NAME *copy = X509_NAME_dup(X509_get_subject_name(certificate));
    if (copy != NULL && sk_X509_NAME_push(names, copy) > 0) return 1;
    X509_NAME_free(copy);
    return 0;
}

// Whom the certificates of clients lead to, and what these are told of it; 0 without memory.
static inline int cssl_set_client_authorities(
    SSL *ssl, X509_STORE *store, const STACK_OF(X509_NAME) *names) {
    STACK_OF(X509_NAME) *copy = SSL_dup_CA_list(names);
    if (copy == NULL) return 0;
    SSL_set0_CA_list(ssl, copy);
    return (int)SSL_set1_verify_cert_store(ssl, store);
}

static inline int cssl_context_set_maximum_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline int cssl_names_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

// The text of a DNS name; NULL for a name of another kind. It lives as long as `names`.
static inline const unsigned char *cssl_names_dns(const GENERAL_NAMES *names, int index, int *count) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != GEN_DNS) return NULL;
    *count = ASN1_STRING_length(name->d.dNSName);
    return ASN1_STRING_get0_data(name->d.dNSName);
}

// Seconds since 1970; -1 for a time that is none.
static inline int64_t cssl_unix_seconds(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : -1;
}

static inline int64_t cssl_not_before(const X509 *certificate) {
    return cssl_unix_seconds(X509_get0_notBefore(certificate));
}
static inline int64_t cssl_not_after(const X509 *certificate) {
    return cssl_unix_seconds(X509_get0_notAfter(certificate));
}

static inline int cssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline int cssl_error_is_system(unsigned long code) { return ERR_SYSTEM_ERROR(code); }

static inline int cssl_name_print(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
}

// A decoder of keys in DER that writes what it finds to `result`; NULL without memory.
static inline OSSL_DECODER_CTX *cssl_key_decoder_make(EVP_PKEY **result) {
    return OSSL_DECODER_CTX_new_for_pkey(result, "DER", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
}

static inline void cssl_free(void *memory) { OPENSSL_free(memory); }
static inline void cssl_clear_free(void *memory, size_t count) { OPENSSL_clear_free(memory, count); }

static inline size_t cssl_bio_text(BIO *bio, char **text) {
    return (size_t)BIO_get_mem_data(bio, text);
}
