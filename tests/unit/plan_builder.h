/* Makes RtPlans by hand, for tests of the engine without the compiler.

   Regions are built inside out: begin a region, add its inputs and nodes, end it; a node with child regions names regions that
   were ended before. Code is C functions. Everything is freed by pb_free. */
#ifndef WF_TESTS_UNIT_PLAN_BUILDER_H
#define WF_TESTS_UNIT_PLAN_BUILDER_H

#include "base/vec.h"
#include "runtime/abi/rt_plan.h"
#include "runtime/value/rt.h"

enum { /* types that every plan has */
    PB_NOTHING, PB_BOOL, PB_INT, PB_FLOAT, PB_STRING, PB_DURATION, PB_SIZE, PB_TIME, PB_JSON, PB_SECRET, PB_FILE, PB_DIR,
    PB_OPT_INT, PB_OPT_STRING, PB_INTS, PB_STRINGS, PB_FILES, PB_ENV, PB_KIND, PB_FAILURE, PB_OPT_FLOAT, PB_TYPES
};

typedef struct PbEdge {
    uint32_t from, to;
} PbEdge;

typedef struct PlanBuilder {
    Arena arena;
    VEC(RtType) type;
    VEC(RtField) field;
    VEC(RtNode) node;
    VEC(RtRegion) region;
    VEC(RtOpnd) opnd;
    VEC(PbEdge) edge;
    VEC(uint32_t) succ, pointer;
    VEC(RtCapture) capture;
    VEC(RtWord) constant;
    VEC(RtSetting) setting;
    VEC(RtParam) param;
    VEC(RtStep) step;
    VEC(RtWorkflow) workflow;
    VEC(RtSpan) span;
    VEC(RtCode) code;
    RtRegion open;       /* the region being built */
    VEC(uint32_t) slots; /* its (offset, type) pairs with pointers */
    RtTypes types;
    RtPlan plan;
} PlanBuilder;

/* ---- types ---- */

static inline uint32_t pb_type(PlanBuilder *b, RtType t) {
    vec_push(&b->type, t);
    return b->type.len - 1;
}

static inline const char *pb_name(PlanBuilder *b, const char *fmt, uint32_t inner) {
    Buf text = BUF_INIT;
    for (const char *p = fmt; *p != '\0'; p++) {
        if (*p == '@') buf_z(&text, b->type.data[inner].name);
        else buf_addc(&text, *p);
    }
    const char *name = arena_strndup(&b->arena, text.p, text.n);
    buf_free(&text);
    return name;
}

static inline uint32_t pb_list(PlanBuilder *b, uint32_t inner) {
    return pb_type(b, (RtType){.kind = RT_LIST, .pointer = true, .has_pointers = true, .has_file = b->type.data[inner].has_file, .words = 1,
                               .inner = inner, .name = pb_name(b, "[@]", inner)});
}

static inline uint32_t pb_map(PlanBuilder *b, uint32_t inner) {
    return pb_type(b, (RtType){.kind = RT_MAP, .pointer = true, .has_pointers = true, .has_file = b->type.data[inner].has_file, .words = 1,
                               .inner = inner, .name = pb_name(b, "[string: @]", inner)});
}

static inline uint32_t pb_opt(PlanBuilder *b, uint32_t inner) {
    RtType t = b->type.data[inner];
    return pb_type(b, (RtType){.kind = RT_OPT, .pointer = t.pointer, .has_pointers = t.has_pointers, .has_file = t.has_file,
                               .words = t.pointer ? 1 : t.words + 1, .inner = inner, .name = pb_name(b, "@?", inner)});
}

static inline uint32_t pb_file(PlanBuilder *b, const char *format, const char *name) {
    return pb_type(b, (RtType){.kind = RT_FILE, .pointer = true, .has_pointers = true, .has_file = true, .words = 1, .name = name,
                               .format = format, .first = b->field.len});
}

/* Fields follow with pb_field; for an enum, members (type PB_NOTHING); for a file, columns. */
static inline uint32_t pb_struct(PlanBuilder *b, const char *name) {
    return pb_type(b, (RtType){.kind = RT_STRUCT, .name = name, .first = b->field.len});
}

static inline uint32_t pb_enum(PlanBuilder *b, const char *name) {
    return pb_type(b, (RtType){.kind = RT_ENUM, .words = 1, .name = name, .first = b->field.len});
}

/* Adds to the newest type. */
static inline void pb_field(PlanBuilder *b, const char *name, const char *foreign, uint32_t type, const RtWord *fallback) {
    RtType *t = &vec_last(&b->type);
    vec_push(&b->field, ((RtField){name, foreign, type, t->words, fallback}));
    t->n++;
    if (t->kind != RT_STRUCT) return;
    const RtType *f = &b->type.data[type];
    t->words += f->words;
    t->has_pointers = t->has_pointers || f->has_pointers;
    t->has_file = t->has_file || f->has_file;
}

static inline void pb_init(PlanBuilder *b) {
    *b = (PlanBuilder){0};
    static const struct {
        RtKind kind;
        const char *name;
        bool pointer;
        uint32_t words;
    } plain[] = {
        {RT_NOTHING, "nothing", false, 0}, {RT_BOOL, "bool", false, 1}, {RT_INT, "int", false, 1}, {RT_FLOAT, "float", false, 1},
        {RT_STRING, "string", true, 1}, {RT_DURATION, "duration", false, 1}, {RT_SIZE, "size", false, 1}, {RT_TIME, "time", false, 1},
        {RT_JSON, "json", true, 1}, {RT_SECRET, "secret string", true, 1}, {RT_FILE, "file", true, 1}, {RT_DIR, "dir", true, 1},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        pb_type(b, (RtType){.kind = (uint8_t)plain[i].kind, .name = plain[i].name, .pointer = plain[i].pointer, .has_pointers = plain[i].pointer,
                            .has_file = plain[i].kind == RT_FILE || plain[i].kind == RT_DIR, .words = plain[i].words, .format = ""});
    pb_opt(b, PB_INT);
    pb_opt(b, PB_STRING);
    pb_list(b, PB_INT);
    pb_list(b, PB_STRING);
    pb_list(b, PB_FILE);
    pb_map(b, PB_STRING);
    pb_enum(b, "FailureKind");
    static const char *const kinds[] = {"exit", "timeout", "memory", "lost", "output", "value", "fail", "cancelled"};
    for (int i = 0; i < 8; i++) pb_field(b, kinds[i], NULL, PB_NOTHING, NULL);
    pb_struct(b, "Failure");
    pb_field(b, "step", NULL, PB_STRING, NULL);
    pb_field(b, "kind", NULL, PB_KIND, NULL);
    pb_field(b, "code", NULL, PB_OPT_INT, NULL);
    pb_field(b, "message", NULL, PB_STRING, NULL);
    pb_field(b, "log", NULL, PB_STRING, NULL);
    pb_opt(b, PB_FLOAT);
    vec_push(&b->region, ((RtRegion){0}));
    vec_push(&b->span, ((RtSpan){"test.wf", 1, 1, 1}));
}

/* ---- operands ---- */

static inline uint32_t pb_words(const PlanBuilder *b, uint32_t type) { return b->type.data[type].words; }

static inline RtOpnd pb_const(PlanBuilder *b, uint32_t type, const RtWord *w) {
    RtOpnd o = {RT_FROM_CONST, type, b->constant.len, pb_words(b, type)};
    vec_append(&b->constant, w, o.words);
    return o;
}
static inline RtOpnd pb_int(PlanBuilder *b, uint32_t type, int64_t v) {
    RtWord w[2] = {{.i = v}, {.i = 1}};
    return pb_const(b, type, w);
}
static inline RtOpnd pb_float(PlanBuilder *b, double v) { return pb_const(b, PB_FLOAT, &(RtWord){.f = v}); }

static inline RtText *pb_text(PlanBuilder *b, const char *s) {
    size_t n = strlen(s);
    RtText *t = arena_alloc(&b->arena, sizeof *t + n + 1);
    t->obj = (RtObj){.rc = RT_STATIC};
    t->n = n;
    memcpy(t->s, s, n + 1);
    return t;
}
static inline RtOpnd pb_string(PlanBuilder *b, const char *s) { return pb_const(b, PB_STRING, &(RtWord){.p = pb_text(b, s)}); }

static inline RtList *pb_list_of(PlanBuilder *b, const RtWord *w, uint64_t n, uint32_t words) {
    RtList *l = arena_alloc(&b->arena, sizeof *l + n * words * sizeof *w);
    l->obj = (RtObj){.rc = RT_STATIC};
    l->n = n;
    if (n > 0) memcpy(l->at, w, n * words * sizeof *w);
    return l;
}
static inline RtOpnd pb_ints(PlanBuilder *b, const int64_t *v, uint64_t n) {
    return pb_const(b, PB_INTS, &(RtWord){.p = pb_list_of(b, (const RtWord *)(const void *)v, n, 1)});
}
static inline RtOpnd pb_frame(PlanBuilder *b, uint32_t type, uint32_t at) { return (RtOpnd){RT_FROM_FRAME, type, at, pb_words(b, type)}; }

static inline const RtWord *pb_k(PlanBuilder *b, int64_t k) {
    RtWord *w = arena_alloc(&b->arena, sizeof *w);
    w->i = k;
    return w;
}
/* A thunk over the frame; k[0] is `k`. */
static inline RtOpnd pb_thunk(PlanBuilder *b, uint32_t type, RtThunk f, int64_t k) {
    vec_push(&b->code, ((RtCode){.thunk = f, .k = pb_k(b, k)}));
    return (RtOpnd){RT_FROM_CODE, type, b->code.len - 1, pb_words(b, type)};
}
static inline uint32_t pb_driver(PlanBuilder *b, RtDriver f, int64_t k) {
    vec_push(&b->code, ((RtCode){.driver = f, .k = pb_k(b, k)}));
    return b->code.len - 1;
}

/* ---- steps ---- */

/* A step with no parameters yet; add them with pb_param and pb_output in that order, before the next step. */
static inline uint32_t pb_step(PlanBuilder *b, const char *name, const char *lang, const char *code) {
    vec_push(&b->step, ((RtStep){.name = name, .body = RT_BODY_FENCE, .lang = lang, .code = str_of(code), .file = "test.wf", .code_line = 10,
                                 .param = b->param.len, .result = PB_NOTHING}));
    return b->step.len - 1;
}
static inline void pb_param(PlanBuilder *b, const char *name, uint32_t type) {
    RtStep *s = &vec_last(&b->step);
    vec_push(&b->param, ((RtParam){.name = name, .type = type, .offset = s->words}));
    s->nparam++;
    s->words += pb_words(b, type);
}
/* One output is the value; more make a record, whose type the caller gives by pb_result. */
static inline void pb_output(PlanBuilder *b, const char *name, uint32_t type) {
    RtStep *s = &vec_last(&b->step);
    if (s->noutput == 0) s->output = b->param.len;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->noutput; i++) at += pb_words(b, b->param.data[s->output + i].type);
    vec_push(&b->param, ((RtParam){.name = name, .type = type, .offset = at}));
    s->noutput++;
    s->result = type;
}
/* An exec step; arguments by pb_arg, after parameters and outputs. */
static inline uint32_t pb_exec(PlanBuilder *b, const char *name) {
    uint32_t s = pb_step(b, name, NULL, "");
    b->step.data[s].body = RT_BODY_EXEC;
    return s;
}
static inline void pb_arg(PlanBuilder *b, RtOpnd o) {
    RtStep *s = &vec_last(&b->step);
    if (s->nargv++ == 0) s->argv = b->opnd.len;
    vec_push(&b->opnd, o);
}

/* ---- regions ---- */

static inline void pb_begin(PlanBuilder *b, RtRegionKind kind) {
    b->open = (RtRegion){.kind = (uint8_t)kind, .name = "", .first = b->node.len, .capture = b->capture.len, .index_at = UINT32_MAX,
                         .item_at = UINT32_MAX, .item2_at = UINT32_MAX, .state_at = UINT32_MAX, .failure_at = UINT32_MAX};
    vec_clear(&b->slots);
}
/* Words of the frame for a value of that type. */
static inline uint32_t pb_slot(PlanBuilder *b, uint32_t type) {
    uint32_t at = b->open.words;
    b->open.words += pb_words(b, type);
    if (b->type.data[type].has_pointers) {
        vec_push(&b->slots, at);
        vec_push(&b->slots, type);
    }
    return at;
}
static inline uint32_t pb_capture(PlanBuilder *b, RtOpnd from) {
    uint32_t to = pb_slot(b, from.type);
    vec_push(&b->capture, ((RtCapture){from, to}));
    b->open.ncapture++;
    return to;
}
static inline uint32_t pb_span(PlanBuilder *b, uint32_t line) {
    vec_push(&b->span, ((RtSpan){"test.wf", line, 1, 10}));
    return b->span.len - 1;
}
static inline RtNode *pb_node(PlanBuilder *b, RtNodeKind kind, const char *name, uint32_t type) {
    uint32_t slot = pb_slot(b, type);
    vec_push(&b->node, ((RtNode){.kind = (uint8_t)kind, .name = name, .type = type, .slot = slot, .arg = b->opnd.len,
                                 .setting = b->setting.len, .span = pb_span(b, 100 + b->node.len)}));
    b->open.n++;
    return &vec_last(&b->node);
}
/* Operands and settings of the newest node. */
static inline void pb_operand(PlanBuilder *b, RtOpnd o) {
    vec_last(&b->node).narg++;
    vec_push(&b->opnd, o);
}
static inline void pb_setting(PlanBuilder *b, uint32_t key, RtOpnd value) {
    vec_last(&b->node).nsetting++;
    vec_push(&b->setting, ((RtSetting){.key = key, .value = value}));
}
static inline uint32_t pb_call(PlanBuilder *b, const char *name, uint32_t step) {
    RtNode *n = pb_node(b, RT_CALL, name, b->step.data[step].result);
    n->ref = step;
    return b->node.len - 1;
}
static inline uint32_t pb_at(const PlanBuilder *b, uint32_t node) { return b->node.data[node].slot; }
static inline RtOpnd pb_value(PlanBuilder *b, uint32_t node) { return pb_frame(b, b->node.data[node].type, pb_at(b, node)); }
static inline void pb_edge(PlanBuilder *b, uint32_t from, uint32_t to) { vec_push(&b->edge, ((PbEdge){from, to})); }
static inline uint32_t pb_end(PlanBuilder *b, RtOpnd result) {
    b->open.result = result;
    b->open.pointer = b->pointer.len;
    b->open.npointer = b->slots.len / 2;
    vec_append(&b->pointer, b->slots.data, b->slots.len);
    vec_push(&b->region, b->open);
    return b->region.len - 1;
}
#define PB_NO_RESULT ((RtOpnd){0})

/* A workflow over a body that was just ended. */
static inline uint32_t pb_workflow(PlanBuilder *b, const char *name, uint32_t body, uint32_t result) {
    vec_push(&b->workflow, ((RtWorkflow){.name = name, .param = b->param.len, .result = result, .body = body}));
    if (b->type.data[result].words > 0) {
        b->workflow.data[b->workflow.len - 1].output = b->param.len;
        b->workflow.data[b->workflow.len - 1].noutput = 1;
        vec_push(&b->param, ((RtParam){.name = "out", .type = result}));
        b->workflow.data[b->workflow.len - 1].param = b->param.len;
    }
    return b->workflow.len - 1;
}
/* Parameters stand first in the body's frame, in this order. */
static inline void pb_workflow_param(PlanBuilder *b, const char *name, uint32_t type, RtOpnd fallback) {
    RtWorkflow *w = &vec_last(&b->workflow);
    uint32_t at = 0;
    for (uint32_t i = 0; i < w->nparam; i++) at += pb_words(b, b->param.data[w->param + i].type);
    vec_push(&b->param, ((RtParam){.name = name, .type = type, .offset = at, .fallback = fallback}));
    w->nparam++;
}

static inline int pb_edge_cmp(const void *a, const void *b) {
    const PbEdge *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

static inline const RtPlan *pb_plan(PlanBuilder *b) {
    if (b->edge.len > 1) qsort(b->edge.data, b->edge.len, sizeof *b->edge.data, pb_edge_cmp);
    for (uint32_t i = 0; i < b->edge.len; i++) {
        RtNode *n = &b->node.data[b->edge.data[i].from];
        if (n->nsucc++ == 0) n->succ = b->succ.len;
        vec_push(&b->succ, b->edge.data[i].to);
        b->node.data[b->edge.data[i].to].npred++;
    }
    b->types = (RtTypes){b->type.data, b->field.data, b->type.len};
    b->plan = (RtPlan){.types = &b->types, .node = b->node.data, .nnode = b->node.len, .region = b->region.data, .nregion = b->region.len,
                       .opnd = b->opnd.data, .succ = b->succ.data, .pointer = b->pointer.data, .capture = b->capture.data,
                       .constant = b->constant.data, .setting = b->setting.data, .param = b->param.data, .step = b->step.data,
                       .nstep = b->step.len, .workflow = b->workflow.data, .nworkflow = b->workflow.len, .main = b->workflow.len - 1,
                       .span = b->span.data, .code = b->code.data, .ncode = b->code.len, .failure_type = PB_FAILURE, .project = "."};
    return &b->plan;
}

static inline void pb_free(PlanBuilder *b) {
    vec_free(&b->type);
    vec_free(&b->field);
    vec_free(&b->node);
    vec_free(&b->region);
    vec_free(&b->opnd);
    vec_free(&b->edge);
    vec_free(&b->succ);
    vec_free(&b->pointer);
    vec_free(&b->capture);
    vec_free(&b->constant);
    vec_free(&b->setting);
    vec_free(&b->param);
    vec_free(&b->step);
    vec_free(&b->workflow);
    vec_free(&b->span);
    vec_free(&b->code);
    vec_free(&b->slots);
    arena_free(&b->arena);
}

#endif
