#include "cli/progress.h"

#include "base/io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

typedef struct Row {
    char *path;
    uint32_t attempt;
    int64_t started;
    double progress; /* below 0: not told */
    char *last;      /* last line that the step printed */
} Row;

struct Progress {
    const Cli *cli;
    bool quiet, follow, live;
    VEC(Row) row;        /* running steps */
    uint32_t drawn;      /* lines on the screen */
    int64_t drawn_at;
    uint32_t done, failed, skipped;
    int64_t started;
};

Progress *progress_new(const Cli *cli, bool quiet, bool follow) {
    Progress *p = wf_alloc_zero(sizeof *p);
    *p = (Progress){.cli = cli, .quiet = quiet, .follow = follow, .live = cli->tty_err && !quiet && !follow};
    return p;
}

static void row_free(Row *r) {
    free(r->path);
    free(r->last);
}

void progress_free(Progress *p) {
    for (uint32_t i = 0; i < p->row.len; i++) row_free(&p->row.data[i]);
    vec_free(&p->row);
    free(p);
}

void put_elapsed(Buf *b, int64_t ms) {
    if (ms < 1000) buf_printf(b, "%" PRId64 "ms", ms);
    else if (ms < 60000) buf_printf(b, "%.1fs", (double)ms / 1000);
    else if (ms < 3600000) buf_printf(b, "%" PRId64 "m%02" PRId64 "s", ms / 60000, ms / 1000 % 60);
    else buf_printf(b, "%" PRId64 "h%02" PRId64 "m", ms / 3600000, ms / 60000 % 60);
}

static const char *paint(const Progress *p, const char *code) { return p->cli->color_err ? code : ""; }
#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

/* Text of a step on one line of the terminal: control characters are shown as spaces. */
static void put_safe(Buf *b, Str s, size_t width) {
    size_t used = 0;
    for (size_t i = 0; i < s.n && used < width;) {
        uint32_t cp;
        unsigned len = utf8_decode(s.p + i, s.n - i, &cp);
        if (len == 0 || cp < 0x20 || cp == 0x7F || (cp >= 0x80 && cp < 0xA0)) {
            buf_addc(b, ' ');
            i += len == 0 ? 1 : len;
            used++;
            continue;
        }
        used += utf8_width(s.p + i, len);
        buf_add(b, s.p + i, len);
        i += len;
    }
}

static void erase(Progress *p, Buf *b) {
    if (p->drawn > 0) buf_printf(b, "\r\x1b[%uA\x1b[J", p->drawn);
    p->drawn = 0;
}

static void draw(Progress *p, Buf *b, int64_t now) {
    enum { ROWS = 8 };
    struct winsize size = {.ws_col = 80};
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    size_t width = size.ws_col < 40 ? 40 : size.ws_col;
    for (uint32_t i = 0; i < p->row.len && i < ROWS; i++) {
        const Row *r = &p->row.data[i];
        Buf time = BUF_INIT, line = BUF_INIT;
        put_elapsed(&time, now - r->started);
        buf_printf(&line, "  %s  %s", r->path, time.p);
        if (r->attempt > 1) buf_printf(&line, "  attempt %u", r->attempt);
        if (r->progress >= 0) buf_printf(&line, "  %3.0f%%", r->progress * 100);
        size_t used = utf8_width(line.p, line.n);
        buf_str(b, buf_view(&line));
        if (r->last != NULL && used + 6 < width) {
            buf_printf(b, "  %s", paint(p, DIM));
            put_safe(b, str_of(r->last), width - used - 4);
            buf_z(b, paint(p, PLAIN));
        }
        buf_addc(b, '\n');
        buf_free(&time);
        buf_free(&line);
        p->drawn++;
    }
    Buf time = BUF_INIT;
    put_elapsed(&time, now - p->started);
    buf_printf(b, "%s%u running, %u done", paint(p, DIM), p->row.len, p->done);
    if (p->failed > 0) buf_printf(b, ", %u failed", p->failed);
    buf_printf(b, ", %s%s\n", time.p, paint(p, PLAIN));
    buf_free(&time);
    p->drawn++;
    p->drawn_at = now;
}

static Row *find_row(Progress *p, const char *path) {
    for (uint32_t i = 0; i < p->row.len; i++)
        if (strcmp(p->row.data[i].path, path) == 0) return &p->row.data[i];
    return NULL;
}

static void remove_row(Progress *p, const char *path) {
    Row *r = find_row(p, path);
    if (r == NULL) return;
    row_free(r);
    uint32_t i = (uint32_t)(r - p->row.data);
    memmove(r, r + 1, (p->row.len - i - 1) * sizeof *r);
    p->row.len--;
}

static void add_row(Progress *p, const EngineEvent *e) {
    remove_row(p, e->path);
    vec_push(&p->row, ((Row){.path = wf_strdup(e->path), .attempt = e->attempt, .started = e->time, .progress = -1}));
}

/* The line about a change, or nothing. */
static void put_change(Progress *p, Buf *b, const EngineEvent *e) {
    switch (e->kind) {
    case EV_NODE_STARTED:
        if (p->live) return;
        buf_printf(b, "  %s started%s\n", e->path, e->attempt > 1 ? " again" : "");
        return;
    case EV_ATTEMPT_FAILED:
        if (!e->retry) return;
        buf_printf(b, "%s  %s failed%s: %s; tried again", paint(p, YELLOW), e->path, paint(p, PLAIN), e->failure->message);
        if (e->duration > 0) {
            buf_z(b, " in ");
            put_elapsed(b, e->duration);
        }
        buf_addc(b, '\n');
        return;
    case EV_NODE_SUCCEEDED:
        buf_printf(b, "%s  %s%s done in ", paint(p, GREEN), e->path, paint(p, PLAIN));
        put_elapsed(b, e->duration);
        buf_addc(b, '\n');
        return;
    case EV_NODE_FAILED: {
        size_t n = strcspn(e->failure->message, "\n");
        buf_printf(b, "%s  %s failed%s: %.*s\n", paint(p, RED), e->path, paint(p, PLAIN), (int)n, e->failure->message);
        return;
    }
    case EV_NODE_SKIPPED: buf_printf(b, "%s  %s not run%s\n", paint(p, DIM), e->path, paint(p, PLAIN)); return;
    case EV_NODE_CANCELLED: buf_printf(b, "%s  %s cancelled%s\n", paint(p, YELLOW), e->path, paint(p, PLAIN)); return;
    case EV_LOG:
        if (!p->follow) return;
        buf_printf(b, "%s%s |%s ", paint(p, DIM), e->path, paint(p, PLAIN));
        put_safe(b, e->text, SIZE_MAX);
        buf_addc(b, '\n');
        return;
    case EV_RUN_STARTED:
    case EV_NODE_READY:
    case EV_PROGRESS:
    case EV_METRIC:
    case EV_RUN_ENDING:
    case EV_RUN_ENDED:
    case EV_TICK: return;
    }
}

static void count(Progress *p, const EngineEvent *e) {
    Row *r;
    switch (e->kind) {
    case EV_RUN_STARTED: p->started = e->time; return;
    case EV_NODE_STARTED: add_row(p, e); return;
    case EV_ATTEMPT_FAILED: remove_row(p, e->path); return;
    case EV_NODE_SUCCEEDED:
        p->done++;
        remove_row(p, e->path);
        return;
    case EV_NODE_FAILED:
        p->failed++;
        remove_row(p, e->path);
        return;
    case EV_NODE_SKIPPED: p->skipped++; return;
    case EV_NODE_CANCELLED: remove_row(p, e->path); return;
    case EV_PROGRESS:
        r = find_row(p, e->path);
        if (r != NULL) r->progress = e->value;
        return;
    case EV_LOG:
        r = find_row(p, e->path);
        if (r == NULL) return;
        free(r->last);
        r->last = wf_alloc(e->text.n + 1);
        memcpy(r->last, e->text.p, e->text.n);
        r->last[e->text.n] = '\0';
        return;
    case EV_NODE_READY:
    case EV_METRIC:
    case EV_RUN_ENDING:
    case EV_RUN_ENDED:
    case EV_TICK: return;
    }
}

void progress_event(Progress *p, const EngineEvent *e) {
    count(p, e);
    if (p->quiet) return;
    Buf change = BUF_INIT, b = BUF_INIT;
    put_change(p, &change, e);
    bool redraw = p->live && (change.n > 0 || e->kind == EV_TICK || e->time - p->drawn_at >= 100);
    if (redraw) erase(p, &b);
    buf_str(&b, buf_view(&change));
    if (redraw && e->kind != EV_RUN_ENDED) draw(p, &b, e->time);
    io_write_all(STDERR_FILENO, buf_view(&b));
    buf_free(&change);
    buf_free(&b);
}

void progress_end(Progress *p) {
    Buf b = BUF_INIT;
    erase(p, &b);
    io_write_all(STDERR_FILENO, buf_view(&b));
    buf_free(&b);
}
