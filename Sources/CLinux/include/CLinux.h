// What Swift's Glibc module does not show. Only prototypes of ours stand here: a header that
// defines _GNU_SOURCE gives other modules another layout of system types.
#pragma once
#include <stdint.h>

// The kernel's `struct epoll_event`, which is packed on x86-64 only.
struct clinux_event {
    uint32_t events;
    uint64_t token;
}
#if defined(__x86_64__)
__attribute__((packed))
#endif
;

// The kernel's EPOLL numbers, as plain unsigned ones; CLinux.c holds them against <sys/epoll.h>.
#define CLINUX_EPOLL_READABLE 0x001u
#define CLINUX_EPOLL_WRITABLE 0x004u
#define CLINUX_EPOLL_ERROR 0x008u
#define CLINUX_EPOLL_HANG_UP 0x010u
#define CLINUX_EPOLL_PEER_CLOSED 0x2000u
#define CLINUX_EPOLL_EDGE 0x80000000u

// Each returns -1 and sets errno when it fails. Descriptors are close-on-exec.
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int descriptor);
int clinux_epoll_wait(int epoll, struct clinux_event *events, int count, int milliseconds);

// recv and send, without what the library does around them for threads that may be cancelled: two
// locked instructions each. No thread here ever is.
intptr_t clinux_receive(int descriptor, void *space, uintptr_t count);
intptr_t clinux_send(int descriptor, const void *bytes, uintptr_t count, int flags);

// A non-blocking counter.
int clinux_eventfd_create(void);

// accept4 with a non-blocking result. `address` takes a `struct sockaddr` of at most `*length`
// bytes; both are NULL for a caller who does not ask.
int clinux_accept(int listener, void *address, uint32_t *length);

// The processors that this process may run on; -1 when the kernel does not say.
int clinux_affinity_count(void);

// Names the calling thread; the kernel keeps 15 bytes.
void clinux_thread_set_name(const char *name);

// Bytes that were sent on a TCP socket and that the peer has not acknowledged yet; -1 when the kernel
// does not say.
int clinux_unacknowledged_count(int descriptor);

// Connections that wait at a listening TCP socket to be accepted; -1 when the kernel does not say.
int clinux_waiting_count(int listener);

// An inotify instance, non-blocking, and a directory in it: whatever changes which files are there or
// what they hold becomes readable.
int clinux_watch_create(void);
int clinux_watch_add(int watch, const char *directory);

// Gives memory that is free inside the process back to the kernel.
void clinux_memory_trim(void);

// A write to a pipe that nobody reads then fails with EPIPE and ends no process.
void clinux_broken_pipe_ignore(void);

// Starts a program with this process's environment, in which no variable begins with one of the
// `removed` and `variable` (NAME=value) comes last, and with these descriptors under their own numbers
// and the standard ones. No signal is blocked in it. The program is looked up in PATH unless its name has
// a slash. Lists of strings end in NULL. Answers the process, or -1 with errno.
int clinux_spawn(char *const *arguments, const char *const *removed, const char *variable,
                 const int *descriptors, int count);

// Takes NAME=value out of the environment. Only while there is one thread.
void clinux_environment_remove(const char *name);
