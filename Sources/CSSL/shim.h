// OpenSSL 3 for Swift: what is a macro over there is an inline function here.
#pragma once

// SHA256_CTX is deprecated in favour of contexts on the heap. Cookies are sealed on the data path,
// where a digest state that is a plain value and can be copied is what is needed.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
