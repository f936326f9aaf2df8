// client.c - clients that count: what was answered, and how what was not answered failed.
//
//   client port=P [conns=32] [fresh=4] [requests=100000] [idle=0] [ws=0] [patience=10] [leaves=0]
//
// `conns` connections send GET after GET, each as soon as the answer before has come; `fresh` of them
// open a new connection for each. `idle` connections make one request and then nothing; `ws` are
// WebSockets that send a message every second and expect it back. Prints READY when all are there, runs
// until there were `requests` answers or failures AND standard input has ended, then prints one line of
// JSON. leaves=1: a refused connection means that nobody is there any more, and the clients go.
//
// Nothing is sent a second time, and nothing is forgiven:
//   failed   an answer that is no 2xx, one that breaks off, or none within `patience` seconds
//   refused  no connection, or a new one that ends without an answer
//   closed   a kept connection that ends without an answer to what was sent on it; RFC 9112 lets a
//            client send such a request again, which is why it has a column of its own
//   wsClosed a WebSocket that ended, or did not send the message back
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { LOAD, FRESH, IDLE, WEBSOCKET };
enum state { GONE, CONNECTING, WAITING, RESTING };

struct conn {
    enum kind kind;
    enum state state;
    int fd, answered, used;         // answered: responses on this connection
    long long body;                 // of the response still to come; -1: the head has not ended
    int closes;                     // the response says that the connection ends with it
    uint64_t sent, next;            // when the request went, when the next may go (ns)
    char head[2048];
};

static int ep, port, load = 32, fresh = 4, idle, websockets, patience = 10, leaves, isLeaving;
static long long wanted = 100000, ok, failed, refused, closedKept, wsClosed, wsEchoes;
static long long byStatus[600];
static uint64_t slowest;
static struct conn *conns;
static int count;

static const char GET[] = "GET /bytes/512 HTTP/1.1\r\nHost: chaos.test\r\n\r\n";
static const char UPGRADE[] = "GET /ws HTTP/1.1\r\nHost: chaos.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char MESSAGE[] = "\x81\x84\0\0\0\0ping";

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void drop(struct conn *c, uint64_t rest) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->state = GONE;
    c->used = 0;
    c->next = now() + rest;
}

// The connection has ended under a request, or was not to be had.
static void lost(struct conn *c, int isPartial) {
    if (c->kind == WEBSOCKET) wsClosed++;
    else if (isPartial) failed++;
    else if (c->answered > 0) closedKept++;
    else if (leaves && c->state == CONNECTING) isLeaving = 1;
    else refused++;
    // 5 ms: a proxy that is away is not hammered.
    drop(c, 5000000);
}

static void say(struct conn *c) {
    const char *text = c->kind != WEBSOCKET ? GET : c->answered ? MESSAGE : UPGRADE;
    size_t length = c->kind != WEBSOCKET ? sizeof GET - 1 : c->answered ? sizeof MESSAGE - 1 : sizeof UPGRADE - 1;
    c->state = WAITING;
    c->body = -1;
    c->used = 0;
    c->sent = now();
    if (send(c->fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) lost(c, 0);
}

static void dial(struct conn *c) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->answered = 0;
    c->state = CONNECTING;
    c->sent = now();
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    if (c->fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e)) { perror("socket"); exit(1); }
    if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS) lost(c, 0);
}

static void answered(struct conn *c) {
    int status = atoi(c->head + 9);
    uint64_t took = now() - c->sent;
    if (took > slowest) slowest = took;
    byStatus[status > 0 && status < 600 ? status : 0]++;
    if (status >= 200 && status < 300) ok++; else failed++;
    c->answered++;
    if (c->kind == FRESH || c->closes || isLeaving) return drop(c, 0);
    if (c->kind == IDLE) { c->state = RESTING; return; }
    say(c);
}

// What has come of a response; 0 when more is to come.
static void parse(struct conn *c) {
    if (c->body < 0) {
        char *end = memmem(c->head, c->used, "\r\n\r\n", 4);
        if (!end) { if (c->used >= (int)sizeof c->head - 1) lost(c, 1); return; }
        int length = end + 4 - c->head;
        c->head[c->used] = 0;
        end[2] = 0;
        char *field = strcasestr(c->head, "\nContent-Length:");
        c->closes = strcasestr(c->head, "\nConnection: close") != NULL;
        c->body = (field ? atoll(field + 16) : 0) - (c->used - length);
        if (c->kind == WEBSOCKET) {
            if (atoi(c->head + 9) != 101) return lost(c, 0);
            c->answered = 1;
            c->state = RESTING;
            c->next = now() + 1000000000ull;
            return;
        }
    }
    if (c->body <= 0) answered(c);
}

static void receive(struct conn *c) {
    static char scratch[65536];
    while (c->state == WAITING || c->state == RESTING) {
        int isHead = c->state == WAITING && c->body < 0 && !(c->kind == WEBSOCKET && c->answered);
        ssize_t n = isHead ? recv(c->fd, c->head + c->used, sizeof c->head - 1 - c->used, 0)
                           : recv(c->fd, scratch, sizeof scratch, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            // Between two requests a proxy may end a connection.
            if (c->state == RESTING && c->kind != WEBSOCKET) { drop(c, 1000000); return; }
            return lost(c, c->used > 0 || (c->state == WAITING && c->body > 0));
        }
        if (c->kind == WEBSOCKET && c->answered) {
            if ((scratch[0] & 15) == 8) return lost(c, 0);
            if (c->state == WAITING) { wsEchoes++; c->state = RESTING; c->next = now() + 1000000000ull; }
        } else if (isHead) {
            c->used += n;
            parse(c);
        } else if (c->state == WAITING) {
            c->body -= n;
            parse(c);
        }
    }
}

static int isEndOfInput(void) {
    char byte;
    struct timespec none = { 0, 0 };
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    return pselect(1, &set, NULL, NULL, &none, NULL) > 0 && read(0, &byte, 1) == 0;
}

static void look(uint64_t at) {
    for (int i = 0; i < count; i++) {
        struct conn *c = conns + i;
        if (c->state == GONE && c->next <= at && !isLeaving && !(c->kind == WEBSOCKET && c->answered)) dial(c);
        else if (c->state == RESTING && c->kind == WEBSOCKET && c->next <= at) say(c);
        else if ((c->state == WAITING || c->state == CONNECTING) && at - c->sent > patience * 1000000000ull) {
            if (c->kind == WEBSOCKET) wsClosed++; else failed++;
            drop(c, 0);
        }
    }
}

static int areAllThere(void) {
    for (int i = 0; i < count; i++) {
        if (conns[i].kind >= IDLE && conns[i].state != RESTING) return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value) return 2;
        long long n = atoll(++value);
        if (!strncmp(argv[i], "port=", 5)) port = n;
        else if (!strncmp(argv[i], "conns=", 6)) load = n;
        else if (!strncmp(argv[i], "fresh=", 6)) fresh = n;
        else if (!strncmp(argv[i], "requests=", 9)) wanted = n;
        else if (!strncmp(argv[i], "idle=", 5)) idle = n;
        else if (!strncmp(argv[i], "ws=", 3)) websockets = n;
        else if (!strncmp(argv[i], "patience=", 9)) patience = n;
        else if (!strncmp(argv[i], "leaves=", 7)) leaves = n;
        else return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    ep = epoll_create1(0);
    count = load + idle + websockets;
    conns = calloc(count, sizeof *conns);
    for (int i = 0; i < count; i++) {
        conns[i].fd = -1;
        conns[i].kind = i < fresh ? FRESH : i < load ? LOAD : i < load + idle ? IDLE : WEBSOCKET;
    }
    struct epoll_event events[512];
    int isReady = 0, hasEnded = 0;
    uint64_t looked = 0;
    while (!(isLeaving || (hasEnded && ok + failed + refused + closedKept >= wanted))) {
        int n = epoll_wait(ep, events, 512, 2);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c->state == CONNECTING) {
                int error = 0;
                socklen_t size = sizeof error;
                getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
                if (error || (events[i].events & EPOLLHUP)) { lost(c, 0); continue; }
                if (events[i].events & EPOLLOUT) say(c);
            }
            receive(c);
        }
        uint64_t at = now();
        if (at - looked < 2000000) continue;
        looked = at;
        look(at);
        if (!isReady && areAllThere()) { isReady = 1; puts("READY"); fflush(stdout); }
        if (!hasEnded) hasEnded = isEndOfInput();
    }
    // Who leaves waits for the answers to what was sent.
    for (uint64_t end = now() + patience * 1000000000ull; leaves && now() < end;) {
        int waiting = 0;
        for (int i = 0; i < count; i++) {
            if (conns[i].state == WAITING) { receive(conns + i); waiting += conns[i].state == WAITING; }
        }
        if (!waiting) break;
        usleep(1000);
    }
    printf("{\"ok\": %lld, \"failed\": %lld, \"refused\": %lld, \"closed\": %lld, \"wsClosed\": %lld, "
           "\"wsEchoes\": %lld, \"slowestMs\": %.1f, \"status\": {", ok, failed, refused, closedKept, wsClosed,
           wsEchoes, slowest / 1e6);
    for (int i = 0, first = 1; i < 600; i++) {
        if (byStatus[i]) { printf("%s\"%d\": %lld", first ? "" : ", ", i, byStatus[i]); first = 0; }
    }
    puts("}}");
    return 0;
}
