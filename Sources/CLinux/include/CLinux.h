// What Swift's Glibc module does not show. Only prototypes of ours stand here: a header that defines
// _GNU_SOURCE gives other modules another layout of system types.
#pragma once
