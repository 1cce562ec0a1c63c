/* Operands as Python over what a task sees: `v("split")` is the value of another task in its public form. */
#include "compiler/backend/airflow/airflow.h"
#include "compiler/backend/emit/py_out.h"

/* Where an operand is written. */
typedef struct Scope {
    Writer *w;
    const Block *block;
    bool plain;  /* of a step's argv: inputs are plain variables */
    bool maybe;  /* in a handler: what the body may not have computed */
    TypeId type; /* then the optional type as which it is seen */
} Scope;

static void leaf(PyExpr *e, Opnd o);

static void fn_name(PyExpr *e, uint32_t fn) {
    const FlowFn *x = &e->flow->fn.data[fn];
    buf_printf(e->out, "fn_%s", atom_cstr(e->flow->atoms, x->name));
    if (x->module != 0) buf_printf(e->out, "__%u", fn);
}

static void put_expr_type(PyExpr *e, TypeId t) { aw_type(((Scope *)e->cx)->w, t); }

static PyExpr printer(Scope *s, RegionId region) {
    return (PyExpr){.flow = s->w->f, .out = s->w->b, .region = region, .cx = s,
                    .leaf = leaf, .fn_name = fn_name, .type = put_expr_type};
}

/* The value in its public form, as expressions see it. */
static void decoded(PyExpr *e, TypeId t, Buf *text) {
    py_decoded(e, t, buf_cstr(text));
    buf_free(text);
}

/* --- types --- */

/* `Limits_t`, no name that anything else has: those of steps are all capitals. */
static void put_type_name(Writer *w, TypeId t) {
    const TypeDef *d = type_def(w->f->types, t);
    Str name = atom_str(w->f->atoms, d->name);
    uint32_t known = 0;
    while (known < w->type.len && w->type.data[known] != t) known++;
    if (known == w->type.len) vec_push(&w->type, t);
    buf_printf(w->b, "%.*s_t", STR_ARG(name));
    for (uint32_t i = 0; i < known; i++)
        if (type_def(w->f->types, w->type.data[i])->name == d->name) {
            buf_printf(w->b, "%u", known);
            return;
        }
}

void aw_type(Writer *w, TypeId t) {
    TypeKind k = type_kind(w->f->types, t);
    if (k == TY_STRUCT || k == TY_ENUM) {
        put_type_name(w, t);
    } else if (k == TY_LIST || k == TY_MAP || k == TY_OPT) {
        buf_z(w->b, k == TY_LIST ? "[\"list\", " : k == TY_MAP ? "[\"map\", " : "[\"opt\", ");
        aw_type(w, type_inner(w->f->types, t));
        buf_addc(w->b, ']');
    } else {
        py_type(w->b, w->f, t);
    }
}

void aw_types(Writer *w) {
    for (uint32_t i = 0; i < w->type.len; i++) {
        buf_z(w->b, i == 0 ? "\n" : "");
        put_type_name(w, w->type.data[i]);
        buf_z(w->b, " = ");
        py_type(w->b, w->f, w->type.data[i]);
        buf_addc(w->b, '\n');
    }
}

/* --- leaves --- */

static void put_name(Buf *b, const char *function, const char *prefix, Str name) {
    Buf id = BUF_INIT;
    buf_printf(&id, "%s%.*s", prefix, STR_ARG(name));
    buf_z(b, function);
    buf_addc(b, '(');
    py_string(b, buf_view(&id));
    buf_addc(b, ')');
    buf_free(&id);
}

static void put_member(Buf *b, const char *task, const char *key) {
    put_name(b, "v", "", str_of(task));
    buf_printf(b, "[\"%s\"]", key);
}

/* A parameter of the run, or an input of a workflow that is called. */
static void put_param(const Scope *s, Buf *text, uint32_t i) {
    const Flow *f = s->w->f;
    const FlowRegion *r = &f->region.data[s->block->region];
    const FlowParam *p = &f->param.data[f->workflow.data[r->workflow].param + i];
    const char *name = atom_cstr(f->atoms, p->name);
    if (s->block->own != NULL) {
        put_member(text, s->block->own, "inputs");
        buf_printf(text, "[\"%s\"]", name);
    } else {
        put_name(text, "v.param", "", str_of(name));
    }
}

/* What a region has of its own, which no operand of its parent gives. */
static void put_own(const Scope *s, Buf *text, uint32_t i) {
    static const char *const item[] = {"v.index", "v.item", "v.second"};
    switch (s->w->f->region.data[s->block->region].kind) {
    case REGION_BODY: put_param(s, text, i); return;
    case REGION_ITEM: put_name(text, item[i], "", str_of(s->block->own)); return;
    case REGION_PASS: put_member(text, s->block->own, "state"); return;
    case REGION_CAUGHT: case REGION_HANDLER: put_member(text, s->block->own, "failure"); return;
    case REGION_ARM: case REGION_TRIED: return;
    }
}

static void put_fact(const Scope *s, Buf *text, FlowFact fact) {
    static const char *const call[FACT_COUNT] = {[FACT_RUN_ID] = "v.run_id()", [FACT_RUN_TIME] = "v.run_time()",
        [FACT_RUN_SCHEDULED_AT] = "v.scheduled_at()", [FACT_RUN_PARAMS] = "v.run_params()"};
    static const char *const member[FACT_COUNT] = {[FACT_RUN_STATUS] = "status", [FACT_RUN_DURATION] = "duration",
        [FACT_RUN_FAILURES] = "failures"};
    if (call[fact] != NULL) buf_z(text, call[fact]);
    else put_member(text, s->block->end, member[fact]);
}

/* Runs `put` on an operand that is captured, in the block around. */
static void in_parent(PyExpr *e, const FlowInput *in, void (*put)(PyExpr *, Opnd)) {
    Scope *s = e->cx;
    Scope kept = *s;
    RegionId region = e->region;
    s->maybe = kept.maybe || s->w->f->region.data[region].kind == REGION_HANDLER;
    if (s->maybe && !kept.maybe) s->type = in->type;
    s->block = kept.block->parent;
    e->region = s->block->region;
    put(e, in->from);
    e->region = region;
    *s = kept;
}

static const FlowInput *captured(const PyExpr *e, Opnd o) {
    if (opnd_tag(o) != OPND_INPUT || e->step != NULL) return NULL;
    const FlowInput *in = &e->flow->input.data[e->flow->region.data[e->region].input + opnd_index(o)];
    return in->from != OPND_ABSENT ? in : NULL;
}

/* The text of a node, input or fact in its public form; facts are as expressions see them. */
static void put_text(PyExpr *e, Opnd o, Buf *text) {
    const Scope *s = e->cx;
    uint32_t i = opnd_index(o);
    const char *get = s->maybe ? "v.maybe" : "v";
    if (opnd_tag(o) == OPND_NODE) put_name(text, get, s->block->id, atom_str(e->flow->atoms, e->flow->node.data[i].name));
    else if (opnd_tag(o) == OPND_FACT) put_fact(s, text, (FlowFact)i);
    else if (e->step == NULL) put_own(s, text, i);
    else if (i >= e->step->nparam && !s->plain) buf_addc(text, 'e');
    else {
        const FlowStep *x = e->step;
        uint32_t at = i < x->nparam ? x->param + i : x->output + (i - x->nparam);
        Atom name = e->flow->param.data[at].name;
        buf_z(text, s->plain ? "v[" : "v.input(");
        py_string(text, atom_str(e->flow->atoms, name));
        buf_addc(text, s->plain ? ']' : ')');
    }
}

static void leaf(PyExpr *e, Opnd o) {
    const Scope *s = e->cx;
    const FlowInput *in = captured(e, o);
    if (in != NULL) {
        in_parent(e, in, py_expr);
        return;
    }
    Buf text = BUF_INIT;
    put_text(e, o, &text);
    bool is_public = !s->plain && !(opnd_tag(o) == OPND_FACT && opnd_index(o) != FACT_RUN_FAILURES);
    TypeId t = s->maybe && opnd_tag(o) == OPND_NODE ? s->type : py_type_of(e, o);
    if (is_public) decoded(e, t, &text);
    else {
        buf_str(e->out, buf_view(&text));
        buf_free(&text);
    }
}

static void put_public(PyExpr *e, Opnd o);

/* A record of public values is public, with the names that JSON has; likewise lists. */
static bool put_built(PyExpr *e, Opnd o) {
    const FlowExpr *x = opnd_tag(o) == OPND_EXPR ? &e->flow->expr.data[opnd_index(o)] : NULL;
    if (x == NULL || (x->op != FLOW_RECORD && x->op != FLOW_LIST)) return false;
    uint32_t n;
    const TypeField *field = x->op == FLOW_RECORD ? type_fields(e->flow->types, x->type, &n) : NULL;
    buf_addc(e->out, field != NULL ? '{' : '[');
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(e->out, ", ");
        if (field != NULL) {
            py_string(e->out, atom_str(e->flow->atoms, field[i].foreign != 0 ? field[i].foreign : field[i].name));
            buf_z(e->out, ": ");
        }
        put_public(e, flow_opnds(e->flow, x->a)[i]);
    }
    buf_addc(e->out, field != NULL ? '}' : ']');
    return true;
}

/* The operand in its public form, without converting there and back what is passed on. */
static void put_public(PyExpr *e, Opnd o) {
    OpndTag tag = opnd_tag(o);
    if (put_built(e, o)) return;
    const FlowInput *in = captured(e, o);
    bool failures = tag == OPND_FACT && opnd_index(o) == FACT_RUN_FAILURES;
    if (in != NULL) {
        in_parent(e, in, put_public);
    } else if (tag == OPND_NODE || (tag == OPND_INPUT && e->step == NULL) || failures) {
        put_text(e, o, e->out);
    } else if (tag == OPND_CONST) {
        Buf json = BUF_INIT;
        const_json(&json, e->flow, &e->flow->constant.data[opnd_index(o)]);
        py_json(e->out, buf_view(&json));
        buf_free(&json);
    } else {
        py_encoded(e, py_type_of(e, o), o);
    }
}

void aw_lambda(Writer *w, const Block *b, Opnd o) {
    Scope s = {.w = w, .block = b};
    PyExpr e = printer(&s, b->region);
    buf_z(w->b, "lambda v: ");
    put_public(&e, o);
    py_done(&e);
}

void aw_raw_lambda(Writer *w, const Block *b, Opnd o) {
    Scope s = {.w = w, .block = b};
    PyExpr e = printer(&s, b->region);
    buf_z(w->b, "lambda v: ");
    py_expr(&e, o);
    py_done(&e);
}

void aw_inputs(Writer *w, const Block *b, const Opnd *o, uint32_t param, uint32_t n) {
    Scope s = {.w = w, .block = b};
    PyExpr e = printer(&s, b->region);
    buf_z(w->b, "lambda v: {");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_z(w->b, ", ");
        py_string(w->b, atom_str(w->f->atoms, w->f->param.data[param + i].name));
        buf_z(w->b, ": ");
        put_public(&e, o[i]);
    }
    buf_addc(w->b, '}');
    py_done(&e);
}

void aw_constant(Writer *w, Opnd o) {
    Scope s = {.w = w};
    PyExpr e = printer(&s, 0);
    put_public(&e, o);
    py_done(&e);
}

static void step_lambda(Writer *w, const char *head, const FlowStep *step, TypeId beyond, Opnd o) {
    static const FlowStep none;
    Scope s = {.w = w};
    PyExpr e = printer(&s, 0);
    e.step = step != NULL ? step : &none;
    e.beyond = beyond;
    buf_z(w->b, head);
    py_expr(&e, o);
    py_done(&e);
}

void aw_step_lambda(Writer *w, const FlowStep *s, Opnd o) { step_lambda(w, "lambda v: ", s, T_ERROR, o); }
void aw_predicate(Writer *w, const FlowStep *s, Opnd o) { step_lambda(w, "lambda v, e: ", s, w->f->failure, o); }

/* A text is an argument as it is; other values become as many as they are, lists all of theirs and none no one. */
static void put_argument(PyExpr *e, Opnd o) {
    TypeId t = py_type_of(e, o);
    if (t == T_STRING) {
        py_expr(e, o);
        return;
    }
    buf_z(e->out, "*wf.arg(");
    put_expr_type(e, t);
    buf_z(e->out, ", ");
    py_expr(e, o);
    buf_addc(e->out, ')');
}

void aw_argv(Writer *w, const FlowStep *step) {
    Scope s = {.w = w, .plain = true};
    PyExpr e = printer(&s, 0);
    e.step = step;
    e.beyond = T_STRING;
    buf_z(w->b, "lambda v: [");
    for (uint32_t i = 0; i < step->nargv; i++) {
        if (i > 0) buf_z(w->b, ", ");
        put_argument(&e, flow_opnds(w->f, step->argv)[i]);
    }
    buf_addc(w->b, ']');
    py_done(&e);
}

/* The values have the forms of Python's own types. */
void aw_arguments(Writer *w, const FlowTargetBody *b) {
    Scope s = {.w = w, .plain = true};
    PyExpr e = printer(&s, 0);
    e.step = &w->f->step.data[b->step];
    e.beyond = T_ERROR;
    buf_z(w->b, "lambda v: {");
    for (uint32_t i = 0; i < b->narg; i++) {
        Opnd o = w->f->opnd.data[b->arg + i];
        TypeId t = py_type_of(&e, o);
        bool differs = py_differs(w->f, t);
        buf_z(w->b, b->narg > 1 ? "\n        " : "");
        py_string(w->b, atom_str(w->f->atoms, w->f->argname.data[b->argname + i]));
        buf_z(w->b, differs ? ": native(" : ": ");
        if (differs) {
            aw_type(w, t);
            buf_z(w->b, ", ");
        }
        py_expr(&e, o);
        if (differs) buf_addc(w->b, ')');
        buf_z(w->b, b->narg > 1 ? "," : "");
    }
    buf_z(w->b, b->narg > 1 ? "\n    }" : "}");
    py_done(&e);
}

void aw_functions(Writer *w, const uint8_t *used) {
    Scope s = {.w = w};
    for (uint32_t i = 0; i < w->f->fn.len; i++) {
        if (!used[i]) continue;
        PyExpr e = printer(&s, 0);
        buf_z(w->b, "\n\n");
        emit_mark(w->out, w->f->fn.data[i].span);
        py_fn(&e, i, 0);
        py_done(&e);
    }
}
