#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinux_event) == sizeof(struct epoll_event), "epoll_event");
_Static_assert(offsetof(struct clinux_event, token) == offsetof(struct epoll_event, data),
               "epoll_event.data");
_Static_assert(sizeof(socklen_t) == sizeof(uint32_t), "socklen_t");
_Static_assert(CLINUX_EPOLL_READABLE == EPOLLIN, "EPOLLIN");
_Static_assert(CLINUX_EPOLL_WRITABLE == EPOLLOUT, "EPOLLOUT");
_Static_assert(CLINUX_EPOLL_ERROR == EPOLLERR, "EPOLLERR");
_Static_assert(CLINUX_EPOLL_HANG_UP == EPOLLHUP, "EPOLLHUP");
_Static_assert(CLINUX_EPOLL_PEER_CLOSED == EPOLLRDHUP, "EPOLLRDHUP");
_Static_assert(CLINUX_EPOLL_EDGE == (uint32_t)EPOLLET, "EPOLLET");

int clinux_epoll_create(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

static int control(int epoll, int operation, int descriptor, struct epoll_event event) {
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return control(epoll, EPOLL_CTL_ADD, descriptor, event);
}

int clinux_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return control(epoll, EPOLL_CTL_MOD, descriptor, event);
}

int clinux_epoll_remove(int epoll, int descriptor) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, int count, int milliseconds) {
    // The assertions above say that both types have one layout.
    return epoll_wait(epoll, (struct epoll_event *)events, count, milliseconds);
}

intptr_t clinux_receive(int descriptor, void *space, uintptr_t count) {
    return syscall(SYS_recvfrom, descriptor, space, count, 0, NULL, NULL);
}

intptr_t clinux_send(int descriptor, const void *bytes, uintptr_t count, int flags) {
    return syscall(SYS_sendto, descriptor, bytes, count, flags, NULL, 0);
}

int clinux_eventfd_create(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int clinux_accept(int listener, void *address, uint32_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_affinity_count(void) {
    // 8,192 processors: a fixed cpu_set_t has room for 1,024 and fails on a larger machine.
    enum { processor_count_max = 8192 };
    cpu_set_t *set = CPU_ALLOC(processor_count_max);
    if (set == NULL) return -1;
    size_t size = CPU_ALLOC_SIZE(processor_count_max);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : -1;
    CPU_FREE(set);
    return count;
}

void clinux_thread_set_name(const char *name) {
    char kept[16] = {0};
    strncpy(kept, name, sizeof kept - 1);
    pthread_setname_np(pthread_self(), kept);
}

void clinux_broken_pipe_ignore(void) {
    signal(SIGPIPE, SIG_IGN);
}

int clinux_watch_create(void) {
    return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

int clinux_watch_add(int watch, const char *directory) {
    const uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_DELETE_SELF | IN_MOVE_SELF;
    return inotify_add_watch(watch, directory, changes);
}

int clinux_unacknowledged_count(int descriptor) {
    int count = 0;
    return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : -1;
}

int clinux_waiting_count(int listener) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return -1;
    // Of a listener, this is the length of its accept queue.
    return (int)info.tcpi_unacked;
}

void clinux_memory_trim(void) {
    malloc_trim(0);
}

// environ(7), without what is removed, and with one variable more; NULL without memory.
static char **environment_with(const char *const *removed, const char *variable) {
    size_t count = 0;
    while (environ[count] != NULL) count++;
    char **copy = calloc(count + 2, sizeof *copy);
    if (copy == NULL) return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int is_removed = 0;
        for (size_t j = 0; removed[j] != NULL; j++) {
            is_removed |= strncmp(environ[i], removed[j], strlen(removed[j])) == 0;
        }
        if (!is_removed) copy[kept++] = environ[i];
    }
    copy[kept] = (char *)variable;
    return copy;
}

static int spawn_prepared(pid_t *child, posix_spawn_file_actions_t *actions,
                          char *const *arguments, char **environment) {
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_init(&attributes);
    if (code != 0) return code;
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    code = posix_spawnp(child, arguments[0], actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    return code;
}

int clinux_spawn(char *const *arguments, const char *const *removed, const char *variable,
                 const int *descriptors, int count) {
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    char **environment = environment_with(removed, variable);
    int code = environment == NULL ? ENOMEM : posix_spawn_file_actions_init(&actions);
    if (code == 0) {
        // Onto itself: that takes close-on-exec away in the child.
        for (int i = 0; i < count && code == 0; i++) {
            code = posix_spawn_file_actions_adddup2(&actions, descriptors[i], descriptors[i]);
        }
        if (code == 0) code = spawn_prepared(&child, &actions, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(environment);
    errno = code;
    return code == 0 ? child : -1;
}

void clinux_environment_remove(const char *name) {
    unsetenv(name);
}
