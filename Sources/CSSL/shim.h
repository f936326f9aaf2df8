// OpenSSL 3 for Swift: what is a macro over there is an inline function here.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
