#include "compiler/backend/emit/target.h"

#include "base/json.h"
#include "compiler/backend/emit/caps.h"

#include <stdlib.h>

extern const Target target_argo, target_airflow, target_stepfunctions;

const Target *const targets[] = {&target_argo, &target_airflow, &target_stepfunctions, NULL};

const Target *target_find(const char *name) {
    for (int i = 0; targets[i] != NULL; i++)
        if (strcmp(targets[i]->name, name) == 0) return targets[i];
    return NULL;
}

static const struct {
    const char *group, *text;
} constructs[CAP_SETTINGS] = {
#define CAP(id, group, construct) [CAP_##id] = {group, construct},
#include "compiler/backend/emit/caps.def"
#undef CAP
};

static void put_construct(Buf *b, Cap cap) {
    if (cap < CAP_SETTINGS) {
        buf_z(b, constructs[cap].text);
        return;
    }
    Setting s = (Setting)(cap - CAP_SETTINGS);
    buf_printf(b, setting_param(s)[0] ? "`@%s(%s:)`" : "`@%s`", setting_annotation(s), setting_param(s));
}

/* Whether the target refuses an annotation whatever its parameters. */
static bool refuses_all(const Target *t, const char *annotation) {
    for (int i = 0; i < SET_COUNT; i++)
        if (strcmp(setting_annotation((Setting)i), annotation) == 0 && t->caps[CAP_OF(i)].level != CAP_REFUSED) return false;
    return true;
}

void target_refuse(TargetCx *cx, Span span, Cap cap) {
    Buf what = BUF_INIT;
    const char *annotation = cap >= CAP_SETTINGS ? setting_annotation((Setting)(cap - CAP_SETTINGS)) : NULL;
    if (annotation != NULL && refuses_all(cx->target, annotation)) buf_printf(&what, "`@%s`", annotation);
    else put_construct(&what, cap);
    Diag *d = diag_add(cx->diags, WF_E_target_construct, span, "%s cannot keep the meaning of %s", cx->target->title, buf_cstr(&what));
    diag_help(cx->diags, d, "%s", cx->target->caps[cap].note);
    buf_free(&what);
}

/* --- settings --- */

static const FlowTargetValue *value_of(const TargetCx *cx, const char *name) {
    if (cx->block == UINT32_MAX) return NULL;
    const FlowTarget *t = &cx->flow->target.data[cx->block];
    for (uint32_t i = 0; i < t->nvalue; i++)
        if (str_is(atom_str(cx->flow->atoms, cx->flow->target_value.data[t->value + i].name), name)) return &cx->flow->target_value.data[t->value + i];
    return NULL;
}

void target_bad_setting(TargetCx *cx, const char *name, const char *what) {
    const FlowTargetValue *v = value_of(cx, name);
    if (v != NULL) diag_add(cx->diags, WF_E_target_setting, v->span, "setting `%s` of %s %s", name, cx->target->title, what);
}

static const FlowConst *constant(const TargetCx *cx, Opnd o) {
    return opnd_tag(o) == OPND_CONST ? &cx->flow->constant.data[opnd_index(o)] : NULL;
}

bool target_string(const TargetCx *cx, const char *name, Str *out) {
    const FlowTargetValue *v = value_of(cx, name);
    const FlowConst *c = v != NULL ? constant(cx, v->value) : NULL;
    if (c == NULL || c->kind != CONST_STRING) return false;
    *out = c->s;
    return true;
}

bool target_int(const TargetCx *cx, const char *name, int64_t *out) {
    const FlowTargetValue *v = value_of(cx, name);
    const FlowConst *c = v != NULL ? constant(cx, v->value) : NULL;
    if (c == NULL || (c->kind != CONST_INT && c->kind != CONST_BOOL)) return false;
    *out = c->i;
    return true;
}

bool target_entry(const TargetCx *cx, const char *name, uint32_t i, Str *key, Str *value) {
    const FlowTargetValue *v = value_of(cx, name);
    if (v == NULL || opnd_tag(v->value) != OPND_EXPR) return false;
    const FlowExpr *e = &cx->flow->expr.data[opnd_index(v->value)];
    if (e->op != FLOW_MAP || 2 * i + 1 >= e->n) return false;
    const FlowConst *k = constant(cx, flow_opnds(cx->flow, e->a)[2 * i]), *x = constant(cx, flow_opnds(cx->flow, e->a)[2 * i + 1]);
    if (k == NULL || x == NULL || k->kind != CONST_STRING || x->kind != CONST_STRING) return false;
    *key = k->s;
    *value = x->s;
    return true;
}

static bool is_string_map(const TargetCx *cx, const FlowTargetValue *v) {
    Types *t = cx->flow->types;
    if (type_kind(t, v->type) != TY_MAP || type_inner(t, v->type) != T_STRING || opnd_tag(v->value) != OPND_EXPR) return false;
    const FlowExpr *e = &cx->flow->expr.data[opnd_index(v->value)];
    for (uint16_t i = 0; i < e->n; i++)
        if (constant(cx, flow_opnds(cx->flow, e->a)[i]) == NULL) return false;
    return e->op == FLOW_MAP;
}

static void check_value(TargetCx *cx, const FlowTargetValue *v) {
    const char *name = atom_cstr(cx->flow->atoms, v->name);
    Str known[64];
    int n = 0;
    for (const TargetSetting *s = cx->target->settings; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0) {
            bool map = s->type == T_JSON;
            if (map ? is_string_map(cx, v) : v->type == s->type && constant(cx, v->value) != NULL) return;
            Arena a = ARENA_INIT;
            diag_add(cx->diags, WF_E_target_setting, v->span, "setting `%s` of %s is a constant %s", name, cx->target->title,
                     map ? "map of strings" : type_z(&a, cx->flow->types, s->type));
            arena_free(&a);
            return;
        }
        if (n < 64) known[n++] = str_of(s->name);
    }
    Diag *d = diag_add(cx->diags, WF_E_target_setting, v->span, "%s has no setting `%s`", cx->target->title, name);
    int near = diag_nearest(str_of(name), known, n);
    if (near >= 0) diag_help(cx->diags, d, "did you mean `%.*s`?", STR_ARG(known[near]));
    else diag_help(cx->diags, d, "`wfc targets %s` lists its settings", cx->target->name);
}

bool target_check(TargetCx *cx) {
    uint32_t before = cx->diags->nerrors;
    if (cx->block != UINT32_MAX) {
        const FlowTarget *t = &cx->flow->target.data[cx->block];
        for (uint32_t i = 0; i < t->nvalue; i++) check_value(cx, &cx->flow->target_value.data[t->value + i]);
    }
    caps_check(cx);
    if (cx->target->check != NULL && cx->diags->nerrors == before) cx->target->check(cx);
    return cx->diags->nerrors == before;
}

/* --- documentation --- */

static void put_cell(Buf *out, const Capability *c) {
    static const char *const words[] = {[CAP_UNSET] = "?", [CAP_KEPT] = "yes", [CAP_LIMITED] = "limited", [CAP_REFUSED] = "**no**", [CAP_IGNORED] = "no effect"};
    buf_z(out, words[c->level]);
    if (c->note != NULL && c->note[0] != '\0') buf_printf(out, ": %s", c->note);
}

void target_settings_doc(Buf *out, const Target *t) {
    Types types;
    Atoms atoms;
    atoms_init(&atoms);
    types_init(&types, &atoms);
    buf_printf(out, "| setting of `target NAME on %s` | type | default | |\n| --- | --- | --- | --- |\n", t->name);
    for (const TargetSetting *s = t->settings; s->name != NULL; s++) {
        buf_printf(out, "| `%s` | ", s->name);
        if (s->type == T_JSON) buf_z(out, "map of strings");
        else type_print(out, &types, s->type);
        buf_printf(out, " | %s%s%s | %s |\n", s->fallback != NULL ? "`" : "", s->fallback != NULL ? s->fallback : "", s->fallback != NULL ? "`" : "", s->doc);
    }
    types_free(&types);
    atoms_free(&atoms);
}

void targets_matrix(Buf *out) {
    const char *group = "";
    for (uint32_t cap = 0; cap < CAP_COUNT; cap++) {
        const char *now = cap < CAP_SETTINGS ? constructs[cap].group : "annotations";
        if (strcmp(now, group) != 0) {
            buf_printf(out, "%s### %c%s\n\n|", cap > 0 ? "\n" : "", now[0] - 32, now + 1);
            for (int i = 0; targets[i] != NULL; i++) buf_printf(out, " | %s", targets[i]->title);
            buf_z(out, " |\n| ---");
            for (int i = 0; targets[i] != NULL; i++) buf_z(out, " | ---");
            buf_z(out, " |\n");
            group = now;
        }
        buf_z(out, "| ");
        put_construct(out, (Cap)cap);
        for (int i = 0; targets[i] != NULL; i++) {
            buf_z(out, " | ");
            put_cell(out, &targets[i]->caps[cap]);
        }
        buf_z(out, " |\n");
    }
}
