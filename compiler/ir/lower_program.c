/* Lowering of declarations: steps, functions, workflows, and the settings that annotations give. */
#include "compiler/ir/lowering.h"

#include <math.h>

/* --- settings --- */

static bool setting_key(const char *annotation, const char *param, Setting *key) {
    for (int i = 0; i < SET_COUNT; i++)
        if (strcmp(setting_annotation((Setting)i), annotation) == 0 && strcmp(setting_param((Setting)i), param) == 0) return *key = (Setting)i, true;
    return false;
}

typedef VEC(FlowSetting) SettingList;

/* A later setting of an annotation replaces those of an earlier one as a whole. */
static void drop_annotation(SettingList *out, const char *annotation) {
    uint32_t k = 0;
    for (uint32_t i = 0; i < out->len; i++)
        if (strcmp(setting_annotation(out->data[i].key), annotation) != 0) out->data[k++] = out->data[i];
    out->len = k;
}

static void put(SettingList *out, const char *annotation, const char *param, Opnd value, Span span) {
    Setting key;
    if (setting_key(annotation, param, &key)) vec_push(out, ((FlowSetting){key, value, span}));
}

/* The test of a failure, over the parameters and then the failure. */
static Opnd lower_predicate(Lower *l, NodeId lambda) {
    AstLambda x = ast_lambda(l->ast, lambda);
    set_env(l, ref_index(lw_ref(l, x.params.at[0])), opnd(OPND_INPUT, l->nparam_inputs));
    return lower_root(l, x.body, T_BOOL);
}

static Opnd lower_list_argument(Lower *l, AstList args, TypeId type, Span span) {
    Opnd *o = wf_alloc((args.n + 1) * sizeof *o);
    for (uint32_t i = 0; i < args.n; i++) o[i] = lower_root(l, ast_arg(l->ast, args.at[i]).value, type_inner(l->s->types, type));
    Opnd r = opnd(OPND_EXPR, flow_expr(l->f, FLOW_LIST, type, span, o, (uint16_t)args.n, 0));
    free(o);
    return r;
}

/* with: (name: value): the values by the types of the workflow's parameters, as JSON. */
static Opnd lower_with_params(Lower *l, NodeId record, const Symbol *workflow) {
    AstList fields = ast_record(l->ast, record).fields;
    TypeField *f = wf_alloc((fields.n + 1) * sizeof *f);
    Opnd *o = wf_alloc((fields.n + 1) * sizeof *o);
    for (uint32_t i = 0; i < fields.n; i++) {
        AstNamed x = ast_named(l->ast, fields.at[i]);
        TypeId t = T_JSON;
        for (uint32_t k = 0; workflow != NULL && k < workflow->nparam; k++)
            if (l->s->param.data[workflow->param + k].name == x.name) t = l->s->param.data[workflow->param + k].type;
        f[i] = (TypeField){.name = x.name, .type = t};
    }
    TypeId type = type_record(l->s->types, f, (uint16_t)fields.n);
    for (uint32_t i = 0; i < fields.n; i++) {
        AstNamed x = ast_named(l->ast, fields.at[i]);
        uint32_t n;
        int at = type_field_index(l->s->types, type, x.name);
        o[at] = lower_root(l, x.value, type_fields(l->s->types, type, &n)[at].type);
    }
    Span span = lw_span(l, record);
    Opnd r = opnd(OPND_EXPR, flow_expr(l->f, FLOW_RECORD, type, span, o, (uint16_t)fields.n, 0));
    free(f);
    free(o);
    return op1(l, FLOW_ENCODE, T_JSON, span, r);
}

static void lower_annotation(Lower *l, NodeId node, const Symbol *y, const Symbol *owner, SettingList *out) {
    Sema *s = l->s;
    AstAnnotation a = ast_annotation(l->ast, node);
    const char *name = atom_cstr(s->atoms, y->name);
    Span span = lw_span(l, node);
    drop_annotation(out, name);
    if (y->nparam == 0) {
        put(out, name, "", flow_const_bool(l->f, true), span);
        return;
    }
    const SemaParam first = s->param.data[y->param];
    if (y->nparam == 1 && lw_kind(l, first.type) == TY_LIST && (a.args.n == 0 || ast_arg(l->ast, a.args.at[0]).name == 0)) {
        put(out, name, atom_cstr(s->atoms, first.name), lower_list_argument(l, a.args, first.type, span), span);
        return;
    }
    NodeId *arg = wf_alloc((y->nparam + 1) * sizeof *arg);
    uint32_t before = out->len;
    sema_match_args(s, l->ast, a.args, y->param, y->nparam, arg);
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam p = s->param.data[y->param + i];
        Opnd value;
        if (arg[i] == 0) {
            const Ast *declared = &s->module.data[y->module].ast;
            if (p.value == 0 || ast_is(declared, p.value, AST_NONE)) continue;
            value = lower_default(l, y->module, p.value, type_unopt(s->types, p.type));
        } else if (p.flags & PF_PREDICATE) {
            value = lower_predicate(l, arg[i]);
        } else if (p.flags & PF_PARAMS) {
            value = lower_with_params(l, arg[i], owner);
        } else {
            TypeId t = lw_type(l, arg[i]);
            if (lw_kind(l, t) == TY_NONE) continue;
            value = lower_root(l, arg[i], lw_kind(l, t) == TY_OPT ? p.type : type_unopt(s->types, p.type));
        }
        put(out, name, atom_cstr(s->atoms, p.name), value, arg[i] ? lw_span(l, arg[i]) : span);
    }
    free(arg);
    /* It stands there, though all it could say is none: a bare @cache. */
    if (out->len == before) put(out, name, atom_cstr(s->atoms, first.name), OPND_ABSENT, span);
}

static void lower_annotations(Lower *l, AstList annots, const Symbol *owner, SettingList *out);

/* The parts of a bundle with its parameters bound to the arguments. */
static void lower_bundle(Lower *l, NodeId node, const Symbol *y, const Symbol *owner, SettingList *out) {
    Sema *s = l->s;
    if (node != 0) {
        NodeId *arg = wf_alloc((y->nparam + 1) * sizeof *arg);
        sema_match_args(s, l->ast, ast_annotation(l->ast, node).args, y->param, y->nparam, arg);
        for (uint32_t i = 0; i < y->nparam; i++) {
            const SemaParam p = s->param.data[y->param + i];
            Opnd o = arg[i] != 0 ? lower_root(l, arg[i], p.type) : lower_default(l, y->module, p.value, p.type);
            set_env(l, ref_index(s->module.data[y->module].ref[p.node]), o);
        }
        free(arg);
    }
    uint32_t m = l->m;
    const Ast *ast = l->ast;
    l->m = y->module;
    l->ast = &s->module.data[y->module].ast;
    lower_annotations(l, ast_bundle(l->ast, y->decl).parts, owner, out);
    l->m = m;
    l->ast = ast;
}

static void lower_annotations(Lower *l, AstList annots, const Symbol *owner, SettingList *out) {
    AST_EACH(annots, node) {
        Ref r = lw_ref(l, node);
        if (ref_tag(r) != REF_SYMBOL) continue;
        const Symbol y = l->s->symbol.data[ref_index(r)];
        if (y.kind == SYM_BUNDLE) lower_bundle(l, node, &y, owner, out);
        else lower_annotation(l, node, &y, owner, out);
    }
}

static uint32_t settings_of(Lower *l, AstList annots, const Symbol *owner, bool with_default) {
    SettingList list = {0};
    if (with_default) {
        uint32_t y = sema_lookup(l->s, l->m, NS_ANNOTATION, atom_find(l->s->atoms, STR("default")));
        if (y != NONE && l->s->symbol.data[y].kind == SYM_BUNDLE) lower_bundle(l, 0, &l->s->symbol.data[y], owner, &list);
    }
    lower_annotations(l, annots, owner, &list);
    if (list.len == 0) return 0;
    FlowSettings set = {l->f->setting.len, list.len};
    vec_append(&l->f->setting, list.data, list.len);
    vec_push(&l->f->settings, set);
    vec_free(&list);
    return l->f->settings.len - 1;
}

uint32_t lower_settings(Lower *l, AstList annots) {
    uint32_t before = l->nparam_inputs;
    l->nparam_inputs = 0; /* the test of a failure on a call sees the failure alone */
    uint32_t settings = settings_of(l, annots, NULL, false);
    l->nparam_inputs = before;
    return settings;
}

/* --- declarations --- */

/* What surrounds the lowering of a declaration in the middle of a region. */
typedef struct Around {
    uint32_t m, next_local, nparam_inputs;
    const Ast *ast;
    unsigned loops;
} Around;

static Around enter(Lower *l, const Symbol *y) {
    Around a = {l->m, l->next_local, l->nparam_inputs, l->ast, l->loops};
    l->m = y->module;
    l->ast = &l->s->module.data[y->module].ast;
    l->next_local = 0;
    l->loops = 0;
    return a;
}

static void leave(Lower *l, Around a) {
    l->m = a.m;
    l->ast = a.ast;
    l->next_local = a.next_local;
    l->nparam_inputs = a.nparam_inputs;
    l->loops = a.loops;
}

/* The annotation of the name, or 0. */
static NodeId annotation_of(const Lower *l, AstList annots, const char *name) {
    AST_EACH(annots, a) if (str_is(atom_str(l->s->atoms, ast_annotation(l->ast, a).name), name)) return a;
    return 0;
}

/* A constant number; the checks let nothing else pass. */
static double number(const Flow *f, Opnd o, double fallback) {
    if (opnd_tag(o) == OPND_CONST) {
        const FlowConst *c = &f->constant.data[opnd_index(o)];
        return c->kind == CONST_FLOAT ? c->f : c->kind == CONST_INT ? (double)c->i : fallback;
    }
    if (opnd_tag(o) != OPND_EXPR) return fallback;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    bool minus = x->op == FLOW_NEG_F || x->op == FLOW_NEG_I;
    if (!minus && x->op != FLOW_INT_TO_FLOAT && x->op != FLOW_SOME) return fallback;
    double v = number(f, flow_opnds(f, x->a)[0], fallback);
    return minus ? -v : v;
}

/* What @range and @pattern say of a parameter. */
static void lower_limits(Lower *l, AstList annots, FlowParam *x) {
    NodeId range = annotation_of(l, annots, "range"), pattern = annotation_of(l, annots, "pattern");
    x->ranged = range != 0;
    x->low = -INFINITY;
    x->high = INFINITY;
    uint32_t at = 0;
    AstList args = range != 0 ? ast_annotation(l->ast, range).args : (AstList){0};
    AST_EACH(args, arg) {
        AstArg a = ast_arg(l->ast, arg);
        bool high = a.name == 0 ? at++ == 1 : str_is(atom_str(l->s->atoms, a.name), "max");
        double *to = high ? &x->high : &x->low;
        *to = number(l->f, lower_root(l, a.value, T_FLOAT), *to);
    }
    if (pattern == 0) return;
    Opnd o = lower_root(l, ast_arg(l->ast, ast_annotation(l->ast, pattern).args.at[0]).value, T_STRING);
    if (opnd_tag(o) == OPND_CONST) x->pattern = l->f->constant.data[opnd_index(o)].s;
}

static void lower_params(Lower *l, const Symbol *y, uint32_t *first, uint32_t *n) {
    VEC(FlowParam) list = {0};
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam p = l->s->param.data[y->param + i];
        FlowParam x = {.name = p.name, .type = p.type, .load = (p.flags & PF_LOAD) != 0, .span = ast_name_span(l->ast, p.node)};
        AstList annots = ast_param(l->ast, p.node).annots;
        x.load = annotation_of(l, annots, "load") != 0;
        lower_limits(l, annots, &x);
        if (p.value != 0) x.fallback = lower_root(l, p.value, p.type);
        x.doc = ast_doc_comment(l->ast, p.node, &l->f->arena);
        set_env(l, ref_index(lw_ref(l, p.node)), opnd(OPND_INPUT, i));
        vec_push(&list, x);
    }
    *first = l->f->param.len;
    *n = list.len;
    vec_append(&l->f->param, list.data, list.len);
    vec_free(&list);
}

static void lower_outputs(Lower *l, const Symbol *y, uint32_t *first, uint32_t *n) {
    *first = l->f->param.len;
    *n = y->noutput;
    for (uint32_t i = 0; i < y->noutput; i++) {
        const SemaParam p = l->s->param.data[y->output + i];
        vec_push(&l->f->param, ((FlowParam){.name = p.name, .type = p.type, .span = p.node != 0 ? ast_name_span(l->ast, p.node) : y->span}));
    }
}

static void lower_argv(Lower *l, const Symbol *y, AstList argv, FlowStep *x) {
    for (uint32_t k = 0; k < y->noutput; k++) {
        NodeId node = l->s->param.data[y->output + k].node;
        set_env(l, node != 0 ? ref_index(lw_ref(l, node)) : y->target, opnd(OPND_INPUT, y->nparam + k));
    }
    Opnd *o = wf_alloc((argv.n + 1) * sizeof *o);
    for (uint32_t i = 0; i < argv.n; i++) o[i] = lower_root(l, argv.at[i], T_NOTHING);
    x->argv = l->f->opnd.len;
    x->nargv = argv.n;
    vec_append(&l->f->opnd, o, argv.n);
    free(o);
}

static void lower_body(Lower *l, const Symbol *y, NodeId body, FlowStep *x) {
    switch ((int)ast_kind(l->ast, body)) {
    case AST_FENCE:
        x->body = BODY_FENCE;
        x->lang = ast_fence(l->ast, body).language;
        if (str_is(atom_str(l->s->atoms, x->lang), "python3")) x->lang = atom_z(l->s->atoms, "python");
        x->code = ast_fence_text(l->ast, body, &l->f->arena);
        x->code_indent = ast_fence_indent(l->ast, body);
        x->code_span = (Span){l->ast->file, ast_fence(l->ast, body).body, 0};
        x->code_line = source_line_col(l->s->sources, l->ast->file, x->code_span.off).line;
        return;
    case AST_EXEC:
        x->body = BODY_EXEC;
        lower_argv(l, y, ast_exec(l->ast, body).argv, x);
        return;
    case AST_EXTERN: {
        Str symbol = ast_string(l->ast, ast_extern(l->ast, body).symbol);
        x->body = BODY_EXTERN;
        x->code = (Str){arena_strndup(&l->f->arena, symbol.p, symbol.n), symbol.n};
        return;
    }
    case AST_SUPPLIED: x->body = BODY_SUPPLIED; return;
    default: x->body = BODY_NONE; return;
    }
}

/* What a step is on single engines. */
static void lower_target_bodies(Lower *l, uint32_t step, AstList bodies) {
    AST_EACH(bodies, node) {
        AstTargetBody b = ast_target_body(l->ast, node);
        Str text = ast_string(l->ast, b.text);
        FlowTargetBody x = {.step = step, .engine = b.engine, .word = b.word, .text = {arena_strndup(&l->f->arena, text.p, text.n), text.n},
                            .narg = b.args.n, .argname = l->f->argname.len, .span = lw_span(l, node)};
        Opnd *o = wf_alloc((b.args.n + 1) * sizeof *o);
        for (uint32_t i = 0; i < b.args.n; i++) {
            AstArg a = ast_arg(l->ast, b.args.at[i]);
            o[i] = lower_root(l, a.value, T_NOTHING);
            vec_push(&l->f->argname, a.name);
        }
        x.arg = l->f->opnd.len;
        vec_append(&l->f->opnd, o, b.args.n);
        free(o);
        vec_push(&l->f->target_body, x);
    }
}

static void lower_target(Lower *l, uint32_t symbol) {
    const Symbol y = l->s->symbol.data[symbol];
    Around around = enter(l, &y);
    AstTarget t = ast_target(l->ast, y.decl);
    AstList body = ast_block(l->ast, t.body).body;
    FlowTarget x = {.name = y.name, .engine = t.engine, .span = y.span, .value = l->f->target_value.len};
    AST_EACH(body, stmt) {
        AstBinding b = ast_binding(l->ast, stmt);
        Opnd value = lower_root(l, b.value, T_NOTHING);
        vec_push(&l->f->target_value, ((FlowTargetValue){b.name, value, lw_type(l, b.value), lw_span(l, stmt)}));
        x.nvalue++;
    }
    vec_push(&l->f->target, x);
    leave(l, around);
}

uint32_t step_of(Lower *l, uint32_t symbol) {
    if (l->step[symbol] != NONE) return l->step[symbol];
    const Symbol y = l->s->symbol.data[symbol];
    Around around = enter(l, &y);
    AstStep a = ast_step(l->ast, y.decl);
    FlowStep x = {.name = y.name, .module = l->s->module.data[y.module].name, .span = y.span, .unnamed = y.unnamed, .result = y.type};
    lower_params(l, &y, &x.param, &x.nparam);
    lower_outputs(l, &y, &x.output, &x.noutput);
    l->nparam_inputs = y.nparam;
    lower_body(l, &y, a.body, &x);
    x.settings = settings_of(l, a.annots, &y, true);
    lower_target_bodies(l, l->f->step.len, a.targets);
    leave(l, around);
    l->step[symbol] = l->f->step.len;
    vec_push(&l->f->step, x);
    return l->step[symbol];
}

uint32_t fn_of(Lower *l, uint32_t symbol) {
    if (l->fn[symbol] != NONE) return l->fn[symbol];
    const Symbol y = l->s->symbol.data[symbol];
    Around around = enter(l, &y);
    FlowFn x = {.name = y.name, .module = l->s->module.data[y.module].name, .span = y.span, .result = y.type};
    lower_params(l, &y, &x.param, &x.nparam);
    /* Functions are not recursive, so what the body calls gets lower numbers. */
    x.body = lower_root(l, ast_fn(l->ast, y.decl).body, y.type);
    leave(l, around);
    l->fn[symbol] = l->f->fn.len;
    vec_push(&l->f->fn, x);
    return l->fn[symbol];
}

uint32_t workflow_of(Lower *l, uint32_t symbol) {
    if (l->workflow[symbol] != NONE) return l->workflow[symbol];
    const Symbol y = l->s->symbol.data[symbol];
    Around around = enter(l, &y);
    AstWorkflow a = ast_workflow(l->ast, y.decl);
    FlowWorkflow x = {.name = y.name, .module = l->s->module.data[y.module].name, .span = y.span, .unnamed = y.unnamed, .result = y.type};
    uint32_t index = l->workflow[symbol] = l->f->workflow.len;
    vec_push(&l->f->workflow, x);
    lower_params(l, &y, &x.param, &x.nparam);
    lower_outputs(l, &y, &x.output, &x.noutput);
    l->nparam_inputs = y.nparam;
    x.settings = settings_of(l, a.annots, &y, false);
    x.doc = ast_doc_comment(l->ast, y.decl, &l->f->arena);
    x.body = l->f->region.len;
    vec_push(&l->f->region, ((FlowRegion){.kind = REGION_BODY, .workflow = index, .span = lw_span(l, a.body), .input = l->f->input.len}));
    Pending p = {.region = x.body, .module = y.module, .body = a.body, .type = y.type, .locals = l->captured.len, .nlocals = y.nparam};
    for (uint32_t i = 0; i < y.nparam; i++) {
        const FlowParam *param = &l->f->param.data[x.param + i];
        vec_push(&l->f->input, ((FlowInput){.name = param->name, .type = param->type}));
        l->f->region.data[x.body].ninput++;
        vec_push(&l->captured, ref_index(lw_ref(l, l->s->param.data[y.param + i].node)));
    }
    vec_push(&l->pending, p);
    l->f->workflow.data[index] = x;
    leave(l, around);
    return index;
}

static void lower_field_defaults(Lower *l, uint32_t symbol) {
    const Symbol y = l->s->symbol.data[symbol];
    Around around = enter(l, &y);
    for (uint32_t i = 0; i < y.nparam; i++) {
        const SemaParam p = l->s->param.data[y.param + i];
        if (p.value == 0) continue;
        int at = type_field_index(l->s->types, y.type, p.name);
        Opnd value = lower_root(l, p.value, p.type);
        vec_push(&l->f->fallback, ((FlowDefault){y.type, (uint32_t)at, value}));
    }
    leave(l, around);
}

/* The workflow that no other calls, when there is just one; else the only one; else none. */
static uint32_t main_workflow(const Flow *f) {
    uint32_t found = NONE, n = 0;
    uint8_t *called = wf_alloc_zero(f->workflow.len + 1);
    for (uint32_t i = 0; i < f->node.len; i++)
        if (f->node.data[i].kind == NODE_SUB) called[f->node.data[i].ref] = 1;
    for (uint32_t i = 0; i < f->workflow.len; i++)
        if (!called[i] && f->workflow.data[i].module == 0) found = i, n++;
    free(called);
    return n == 1 ? found : NONE;
}

static uint32_t *none_array(uint32_t n) {
    uint32_t *a = wf_alloc(((size_t)n + 1) * sizeof *a);
    for (uint32_t i = 0; i < n; i++) a[i] = NONE;
    return a;
}

void lower_program(Flow *f, Sema *s) {
    Lower l = {.f = f, .s = s};
    uint32_t n = s->symbol.len;
    l.step = none_array(n);
    l.fn = none_array(n);
    l.workflow = none_array(n);
    l.env = wf_alloc_zero(((size_t)s->local.len + 1) * sizeof *l.env);
    l.mark = wf_alloc_zero(((size_t)s->local.len + 1) * sizeof *l.mark);
    f->failure = s->failure;
    for (uint32_t i = 0; i < n; i++)
        if (s->symbol.data[i].kind == SYM_WORKFLOW && s->symbol.data[i].module == 1) {
            workflow_of(&l, i);
            lower_pending(&l);
        }
    /* Steps and functions that no workflow uses are there to be run alone. */
    for (uint32_t i = 0; i < n; i++) {
        if (s->symbol.data[i].module != 1) continue;
        if (s->symbol.data[i].kind == SYM_STEP) step_of(&l, i);
        if (s->symbol.data[i].kind == SYM_FN) fn_of(&l, i);
    }
    for (uint32_t i = 0; i < n; i++)
        if (s->symbol.data[i].kind == SYM_STRUCT) lower_field_defaults(&l, i);
        else if (s->symbol.data[i].kind == SYM_TARGET && s->symbol.data[i].module == 1) lower_target(&l, i);
    flow_index_edges(f);
    f->main = main_workflow(f);
    free(l.step);
    free(l.fn);
    free(l.workflow);
    free(l.env);
    free(l.mark);
    vec_free(&l.pending);
    vec_free(&l.captured);
    vec_free(&l.work);
    vec_free(&l.node);
    vec_free(&l.span);
    vec_free(&l.bound);
    vec_free(&l.height);
    vec_free(&l.order);
}
