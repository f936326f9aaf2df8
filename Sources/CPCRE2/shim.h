// PCRE2 for Swift.
#pragma once

// 8: a code unit is a byte. The names without the suffix are macros, which Swift does not see.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
