/* The evaluation context behind the ABI and the operations on values that the engine and the library share. */
#ifndef WF_RUNTIME_VALUE_RT_H
#define WF_RUNTIME_VALUE_RT_H

#include "base/mem.h"
#include "runtime/abi/rt_abi.h"

/* Facts of a run; the words of each in the layout of its type. Owned by the engine. */
typedef struct RtFacts {
    RtWord run_id, run_time, scheduled_at[2], params, status, duration, failures;
} RtFacts;

/* What a driver asked for by rt_pick, rt_each or rt_again; read by the engine after the driver returns. */
typedef struct RtControl {
    uint32_t child;
    uint64_t n, k;
    const uint64_t *admitted; /* scratch, or NULL for all */
    bool more;
} RtControl;

#define RT_NO_SPAN UINT32_MAX

struct Rt {
    const RtTypes *types;
    Arena scratch;
    bool failed;      /* an error is pending */
    RtFailure kind;   /* of it */
    uint32_t span;    /* its place, RT_NO_SPAN until one is named */
    Buf error;        /* its text */
    const RtFacts *facts;
    RtControl control;
    /* Turns a path or a recorded file object into a stored file while JSON is decoded; NULL: JSON holds no files. Returns a
       scratch or counted object, or NULL with the error pending. `object` is the JSON text of an object, or empty. */
    RtFile *(*file)(Rt *rt, uint32_t type, Str path, Str object);
    void *file_cx;
};

void rt_init(Rt *rt, const RtTypes *types);
void rt_free(Rt *rt);
/* Releases all scratch; pointers into it are dead. */
void rt_scratch_reset(Rt *rt);
/* Sets the pending error unless there is one. Always false. */
bool rt_error(Rt *rt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rt_clear_error(Rt *rt);

static inline const RtType *rt_type(const RtTypes *t, uint32_t id) { return &t->type[id]; }
/* T of T?, else the type itself. */
static inline uint32_t rt_unopt(const RtTypes *t, uint32_t id) {
    return t->type[id].kind == RT_OPT ? t->type[id].inner : id;
}
/* Whether a value of an optional type is there; true of all others. */
static inline bool rt_some(const RtTypes *t, uint32_t id, const RtWord *w) {
    const RtType *o = &t->type[id];
    if (o->kind != RT_OPT) return true;
    return o->pointer ? w->p != NULL : w[o->words - 1].i != 0;
}
static inline Str rt_str(const RtText *s) { return (Str){s->s, (size_t)s->n}; }

/* Makes a value counted in place: scratch objects are copied, counted ones retained, constants left. O(size of scratch parts). */
void rt_keep(const RtTypes *t, uint32_t type, RtWord *w);
/* Releases a value that rt_keep made. */
void rt_drop(const RtTypes *t, uint32_t type, RtWord *w);
/* The same for one text; NULL is allowed. */
void rt_drop_text(RtText *s);

RtText *rt_new_text(Rt *rt, Str s);   /* scratch */
RtText *rt_own_text(Str s);           /* counted, count 1 */
RtFile *rt_own_file(void);            /* counted, zeroed, rows -1; texts are set by the caller */

/* ---- text of scalars (scalar.c) ---- */
void rt_put_time(Buf *b, int64_t ms);      /* "2026-01-02T03:04:05.678Z" */
/* The text of a scalar as an interpolation prints it; a `none` is empty. */
void rt_put_text(Buf *b, const RtTypes *t, uint32_t type, const RtWord *w);
bool rt_read_int(Str s, int64_t *out);
bool rt_read_float(Str s, double *out);    /* finite only */
bool rt_read_duration(Str s, int64_t *ms); /* also by weeks `w`; "1h 30m" is not one */
bool rt_read_size(Str s, int64_t *bytes);  /* also decimal units: kB MB GB TB PB, K M G T */
bool rt_read_time(Str s, int64_t *ms);     /* RFC 3339 with any offset */
/* The name of a secret; rt_error, which does not tell the text, when it is none: somebody may have given the secret itself. */
bool rt_read_secret(Rt *rt, Str s, RtWord *out);
/* Index of the member with that name (or foreign name), or -1. */
int64_t rt_read_enum(const RtTypes *t, uint32_t type, Str s);
/* A parameter in text form; see EngineParam. Lists, maps, structs and json are JSON text; files go to rt->file. */
bool rt_read_text(Rt *rt, uint32_t type, Str s, RtWord *out);

/* ---- JSON (encode.c, decode.c) ---- */
typedef enum RtJson {
    RT_JSON_DATA,   /* files as {"file", "sha256", "size", ...}; a secret as {"secret": name} */
    RT_JSON_PATHS,  /* files as strings: `path` gives them; secrets are refused */
} RtJson;
typedef struct RtEncode {
    RtJson mode;
    /* The path at which the file stands for the step. */
    void (*path)(void *cx, const RtFile *f, Buf *out);
    void *cx;
} RtEncode;
/* Appends the value as JSON: durations, sizes, times and members as their text, fields by foreign name. */
void rt_put_json(Buf *b, const RtTypes *t, uint32_t type, const RtWord *w, const RtEncode *how);
/* Decodes a whole JSON text. The error tells the path inside it: "$.a[3]: expected int, got a string". Results are scratch. */
bool rt_read_json(Rt *rt, uint32_t type, Str json, RtWord *out);

#endif
