/* Annotations: their names, places, arguments and values. */
#include "compiler/sema/check.h"

static const struct {
    const char *word, *text;
    unsigned place;
} places[] = {{"step", "steps", PLACE_STEP}, {"call", "calls", PLACE_CALL}, {"loop", "loops", PLACE_LOOP}, {"workflow", "workflows", PLACE_WORKFLOW},
    {"param", "parameters", PLACE_PARAM}, {"field", "fields", PLACE_FIELD}, {"target", "targets", PLACE_TARGET}};
enum { NPLACES = sizeof places / sizeof *places };

unsigned place_parse(Str name) {
    for (size_t i = 0; i < NPLACES; i++)
        if (str_is(name, places[i].word)) return places[i].place;
    return 0;
}

NodeId find_annotation(const Cx *c, AstList annots, const char *name) {
    AST_EACH(annots, a) {
        AstAnnotation x = ast_annotation(c->ast, a);
        if (x.module == 0 && str_is(atom_str(c->s->atoms, x.name), name)) return a;
    }
    return 0;
}

/* Known at compile time: literals, members, constants, and structures of these. */
static bool is_constant(const Cx *c, NodeId e) {
    switch ((int)ast_kind(c->ast, e)) {
    case AST_INT:
    case AST_FLOAT:
    case AST_DURATION:
    case AST_SIZE:
    case AST_BOOL:
    case AST_NONE:
    case AST_STRING:
    case AST_FENCE: return true;
    case AST_NAME:
    case AST_MEMBER: return ref_tag(cx_mod(c)->ref[e]) == REF_MEMBER || ref_tag(cx_mod(c)->ref[e]) == REF_SYMBOL;
    case AST_NEGATE: return is_constant(c, ast_negate(c->ast, e).value);
    case AST_CALL: return ref_tag(cx_mod(c)->ref[e]) == REF_BUILTIN && ref_index(cx_mod(c)->ref[e]) == BUILTIN_INCLUDE;
    case AST_LIST: {
        AstList items = ast_list_expr(c->ast, e).items;
        AST_EACH(items, item) if (!is_constant(c, item)) return false;
        return true;
    }
    case AST_MAP: {
        AstList entries = ast_map(c->ast, e).entries;
        AST_EACH(entries, entry)
            if (!is_constant(c, ast_entry(c->ast, entry).key) || !is_constant(c, ast_entry(c->ast, entry).value)) return false;
        return true;
    }
    case AST_RECORD: {
        AstList fields = ast_record(c->ast, e).fields;
        AST_EACH(fields, field) if (!is_constant(c, ast_named(c->ast, field).value)) return false;
        return true;
    }
    default: return false;
    }
}

bool number_of(const Cx *c, NodeId e, double *v) {
    switch ((int)ast_kind(c->ast, e)) {
    case AST_INT:
    case AST_DURATION:
    case AST_SIZE: return *v = (double)ast_int(c->ast, e), true;
    case AST_FLOAT: return *v = ast_float(c->ast, e), true;
    case AST_NEGATE:
        if (!number_of(c, ast_negate(c->ast, e).value, v)) return false;
        return *v = -*v, true;
    default: return false;
    }
}

/* Limits of literal arguments. */
static const struct {
    const char *annotation, *param;
    double min, max;
    const char *text;
} limits[] = {{"retry", "times", 0, 1000, "0 to 1000"}, {"retry", "delay", 0, 1e15, "0s or more"}, {"retry", "factor", 1, 100, "1.0 to 100.0"},
    {"timeout", "each", 1, 1e15, "above 0s"}, {"timeout", "total", 1, 1e15, "above 0s"}, {"parallel", "max", 1, 1e6, "1 to 1000000"},
    {"tolerate", "share", 0, 1, "0.0 to 1.0"}, {"concurrency", "max", 1, 1e6, "1 or more"}, {"resources", "cpu", 0.001, 1e6, "above 0"},
    {"resources", "gpu", 0, 1e6, "0 or more"}, {"resources", "memory", 1, 1e18, "above 0B"}, {"service", "port", 1, 65535, "1 to 65535"},
    {"pool", "slots", 1, 1e6, "1 or more"}};

static void check_limit(Cx *c, NodeId value, uint32_t limit) {
    double v;
    if (number_of(c, value, &v) && (v < limits[limit].min || v > limits[limit].max))
        error_at(c, WF_E_bad_setting, value, "`%s` of @%s must be %s", limits[limit].param, limits[limit].annotation, limits[limit].text);
}

static void check_cron(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_STRING)) return;
    bool never = false;
    const char *why = cron_check(ast_string(c->ast, value), &never);
    if (why != NULL) {
        Diag *d = error_at(c, WF_E_bad_cron, value, "%s", why);
        static const char *const words[] = {"@hourly", "@daily", "@weekly", "@monthly", "@yearly"};
        Str names[sizeof words / sizeof *words];
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) names[i] = str_of(words[i]);
        int near = ast_string(c->ast, value).n > 0 && ast_string(c->ast, value).p[0] == '@' ? diag_nearest(ast_string(c->ast, value), names, sizeof words / sizeof *words) : -1;
        if (near >= 0) {
            diag_help(c->s->diags, d, "did you mean `%s`?", words[near]);
            diag_edit(c->s->diags, d, cx_span(c, value), "\"%s\"", words[near]);
        }
        diag_note(c->s->diags, d, "five fields: minute hour day-of-month month day-of-week; or @hourly, @daily, @weekly, @monthly, @yearly");
    } else if (never) {
        error_at(c, WF_E_never_fires, value, "this schedule never fires: no month has such a day");
    }
}

static void check_timezone(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_STRING) || timezone_known(ast_string(c->ast, value))) return;
    Str z = ast_string(c->ast, value);
    Diag *d = error_at(c, WF_E_unknown_timezone, value, "unknown time zone \"%.*s\"", STR_ARG(z));
    diag_help(c->s->diags, d, "use a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"");
}

static void check_package(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_STRING)) return;
    Str z = ast_string(c->ast, value);
    bool pinned = false;
    for (size_t i = 0; i + 1 < z.n; i++) pinned |= z.p[i] == '=' && z.p[i + 1] == '=';
    if (pinned && z.p[0] != '-') return;
    Diag *d = error_at(c, WF_E_package_without_version, value, "\"%.*s\" names no exact version", STR_ARG(z));
    diag_help(c->s->diags, d, "pin it: \"name==1.2.3\"; what runs today must run tomorrow");
}

static void check_glob(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_STRING)) return;
    Str z = ast_string(c->ast, value);
    bool up = z.n == 0 || z.p[0] == '/';
    for (size_t i = 0; i + 1 < z.n; i++) up |= z.p[i] == '.' && z.p[i + 1] == '.' && (i == 0 || z.p[i - 1] == '/');
    if (up) error_at(c, WF_E_bad_setting, value, "@code names files below the directory of its file, not \"%.*s\"", STR_ARG(z));
}

static void check_env_names(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_MAP)) return;
    AstList entries = ast_map(c->ast, value).entries;
    AST_EACH(entries, entry) {
        NodeId key = ast_entry(c->ast, entry).key;
        if (!ast_is(c->ast, key, AST_STRING)) continue;
        Str z = ast_string(c->ast, key);
        bool ok = z.n > 0 && !(z.p[0] >= '0' && z.p[0] <= '9');
        for (size_t i = 0; i < z.n; i++)
            ok &= (z.p[i] >= 'a' && z.p[i] <= 'z') || (z.p[i] >= 'A' && z.p[i] <= 'Z') || (z.p[i] >= '0' && z.p[i] <= '9') || z.p[i] == '_';
        if (!ok)
            error_at(c, WF_E_bad_setting, key, "\"%.*s\" is no name of an environment variable", STR_ARG(z));
        else if (str_starts(z, STR("WF_")))
            error_at(c, WF_E_bad_setting, key, "\"%.*s\" belongs to the step protocol", STR_ARG(z));
    }
}

static void check_notify(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_STRING)) return;
    Str z = ast_string(c->ast, value);
    if (!str_is(z, "failure") && !str_is(z, "success") && !str_is(z, "always"))
        error_at(c, WF_E_bad_setting, value, "@notify is on \"failure\", \"success\" or \"always\"");
}

/* Rules beyond limits; their numbers are above those of the limits. */
enum { RULES_FROM = 64 };
static const struct {
    const char *annotation, *param;
    void (*check)(Cx *c, NodeId value);
} rules[] = {{"schedule", "cron", check_cron}, {"schedule", "timezone", check_timezone}, {"packages", "specs", check_package}, {"code", "globs", check_glob},
    {"env", "vars", check_env_names}, {"notify", "on", check_notify}};

uint32_t value_rule(const char *annotation, const char *param) {
    for (uint32_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(annotation, rules[i].annotation) == 0 && strcmp(param, rules[i].param) == 0) return RULES_FROM + i;
    for (uint32_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(limits[i].annotation, annotation) == 0 && strcmp(limits[i].param, param) == 0) return i + 1;
    return 0;
}

/* `value` is one argument, or one element of a list parameter. */
static void check_argument_value(Cx *c, NodeId value, const Symbol *y, uint32_t index) {
    uint32_t rule = c->s->param.data[y->param + index].flags >> PF_RULE_SHIFT;
    if (rule >= RULES_FROM) rules[rule - RULES_FROM].check(c, value);
    else if (rule > 0) check_limit(c, value, rule - 1);
}

/* with: (name: value, ...) gives parameters of the workflow that the annotation stands on. */
static void check_with_params(Cx *c, NodeId value, uint64_t *given) {
    Sema *s = c->s;
    if (!ast_is(c->ast, value, AST_RECORD) || c->owner == NOT_FOUND) {
        check_value(c, value, T_ERROR);
        Diag *d = error_at(c, WF_E_not_constant, value, "`with` takes the parameters as a record");
        diag_help(s->diags, d, "write `with: (name: value)`");
        return;
    }
    const Symbol y = s->symbol.data[c->owner];
    AstList fields = ast_record(c->ast, value).fields;
    AST_EACH(fields, field) {
        AstNamed x = ast_named(c->ast, field);
        uint32_t i = 0;
        while (i < y.nparam && s->param.data[y.param + i].name != x.name) i++;
        if (i == y.nparam) {
            check_value(c, x.value, T_ERROR);
            Diag *d = error_at(c, WF_E_unknown_argument, field, "workflow `%s` has no parameter `%s`", name_z(c, y.name), name_z(c, x.name));
            Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, y.nparam);
            for (uint32_t k = 0; k < y.nparam; k++) names[k] = s->param.data[y.param + k].name;
            suggest(s, d, ast_name_span(c->ast, field), x.name, names, y.nparam, "parameters");
            continue;
        }
        check_as(c, x.value, s->param.data[y.param + i].type, WHY_NONE);
        if (!is_constant(c, x.value)) error_at(c, WF_E_not_constant, x.value, "a schedule's values are known at compile time");
        if (i < 64) *given |= (uint64_t)1 << i;
    }
    set_type(c, value, T_JSON);
}

static void check_predicate(Cx *c, NodeId value) {
    if (!ast_is(c->ast, value, AST_LAMBDA) || ast_lambda(c->ast, value).params.n != 1) {
        if (!ast_is(c->ast, value, AST_LAMBDA)) check_value(c, value, T_ERROR);
        Diag *d = error_at(c, WF_E_lambda_misplaced, value, "a test of the failure is wanted");
        diag_help(c->s->diags, d, "write `on: e => e.code == 75`");
        return;
    }
    AstLambda x = ast_lambda(c->ast, value);
    uint32_t mark = scope_mark(c);
    NodeId param = x.params.at[0];
    scope_add(c, (Local){.name = ast_local(c->ast, param).name, .kind = LOCAL_LAMBDA, .typed = true, .type = c->s->failure,
                         .span = cx_span(c, param), .node = param});
    check_condition(c, x.body, "the test of a failure");
    scope_leave(c, mark);
    set_type(c, value, T_BOOL);
}

static void check_arguments(Cx *c, NodeId node, const Symbol *y, uint64_t *with) {
    Sema *s = c->s;
    AstAnnotation a = ast_annotation(c->ast, node);
    const char *name = name_z(c, y->name);
    bool variadic = y->nparam == 1 && kind_of(c, s->param.data[y->param].type) == TY_LIST;
    uint64_t given = 0;
    uint32_t at = 0;
    AST_EACH(a.args, arg) {
        AstArg x = ast_arg(c->ast, arg);
        uint32_t i = x.name == 0 ? at++ : 0;
        if (x.name != 0)
            while (i < y->nparam && s->param.data[y->param + i].name != x.name) i++;
        if (variadic && x.name == 0) {
            check_as(c, x.value, type_inner(s->types, s->param.data[y->param].type), WHY_NONE);
            if (!is_constant(c, x.value) && s->param.data[y->param].flags & PF_CONST)
                error_at(c, WF_E_not_constant, x.value, "@%s is read at compile time: write a literal", name);
            check_argument_value(c, x.value, y, 0);
            given = 1;
            continue;
        }
        if (i >= y->nparam) {
            Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, y->nparam);
            for (uint32_t k = 0; k < y->nparam; k++) names[k] = s->param.data[y->param + k].name;
            Diag *d = x.name != 0 ? error_at(c, WF_E_unknown_argument, arg, "@%s has no parameter `%s`", name, name_z(c, x.name))
                                  : error_at(c, WF_E_too_many_arguments, arg, "@%s takes %s%u argument%s", name, y->nparam > 0 ? "at most " : "", y->nparam, y->nparam == 1 ? "" : "s");
            if (x.name != 0) suggest(s, d, ast_name_span(c->ast, arg), x.name, names, y->nparam, "parameters");
            if (!ast_is(c->ast, x.value, AST_LAMBDA)) check_expr(c, x.value, T_ERROR);
            continue;
        }
        const SemaParam p = s->param.data[y->param + i];
        if (given >> i & 1) error_at(c, WF_E_duplicate_argument, arg, "`%s` is given twice", name_z(c, p.name));
        given |= (uint64_t)1 << i;
        if (p.flags & PF_PREDICATE) {
            check_predicate(c, x.value);
            continue;
        }
        if (p.flags & PF_PARAMS) {
            check_with_params(c, x.value, with);
            continue;
        }
        TypeId t = check_as(c, x.value, p.type, WHY_NONE);
        if (t != T_ERROR && p.flags & PF_CONST && !is_constant(c, x.value))
            error_at(c, WF_E_not_constant, x.value, "`%s` of @%s is read at compile time: write a literal", name_z(c, p.name), name);
        if (t != T_ERROR) check_argument_value(c, x.value, y, i);
    }
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam *p = &s->param.data[y->param + i];
        if (given >> i & 1 || p->value != 0) continue;
        Diag *d = error_at(c, WF_E_missing_argument, node, "@%s needs a value for `%s`", name, name_z(c, p->name));
        diag_note(s->diags, d, "its type is `%s`", ty(c, p->type));
    }
    if (str_is(atom_str(s->atoms, y->name), "timeout") && given == 0)
        error_at(c, WF_E_missing_argument, node, "@timeout needs a duration: `@timeout(20m)`, or `total:`");
}

static void misplaced(Cx *c, NodeId node, const Symbol *y, const char *what) {
    Buf b = BUF_INIT;
    for (size_t i = 0; i < NPLACES; i++)
        if (y->target & places[i].place) buf_printf(&b, "%s%s", b.n ? ", " : "", places[i].text);
    Diag *d = diag_add(c->s->diags, WF_E_annotation_misplaced, ast_annotation_span(c->ast, node), "@%s cannot stand on %s", name_z(c, y->name), what);
    diag_note(c->s->diags, d, "it stands on %s", buf_cstr(&b));
    buf_free(&b);
}

/* Each parameter of a scheduled workflow must have a value. */
static void check_schedule_params(Cx *c, NodeId node, uint64_t with) {
    Sema *s = c->s;
    if (c->owner == NOT_FOUND) return;
    const Symbol *y = &s->symbol.data[c->owner];
    Buf names = BUF_INIT;
    uint32_t n = 0;
    Atom first = 0;
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam *p = &s->param.data[y->param + i];
        if (p->value != 0 || (i < 64 && with >> i & 1)) continue;
        buf_printf(&names, "%s`%s`", n++ > 0 ? ", " : "", name_z(c, p->name));
        if (first == 0) first = p->name;
    }
    if (n > 0) {
        Diag *d = diag_add(s->diags, WF_E_schedule_parameter, ast_annotation_span(c->ast, node), "a scheduled run has no value for parameter%s %s", n == 1 ? "" : "s",
                           buf_cstr(&names));
        for (uint32_t i = 0; i < y->nparam; i++) {
            const SemaParam *p = &s->param.data[y->param + i];
            if (p->value == 0 && !(i < 64 && with >> i & 1)) diag_label(s->diags, d, cx_span(c, p->node), "no default");
        }
        diag_help(s->diags, d, "give the parameter a default, or the schedule a value: `with: (%s: ...)`", name_z(c, first));
    }
    buf_free(&names);
}

static void check_bundle_parts(Cx *c, NodeId use, const Symbol *bundle, unsigned place, const char *what) {
    const Ast *ast = &c->s->module.data[bundle->module].ast;
    AstList parts = ast_bundle(ast, bundle->decl).parts;
    AST_EACH(parts, part) {
        Atom name = ast_annotation(ast, part).name;
        uint32_t id = sema_lookup(c->s, bundle->module, NS_ANNOTATION, name);
        if (id == NOT_FOUND) id = sema_lookup(c->s, 0, NS_ANNOTATION, name);
        if (id == NOT_FOUND) continue;
        const Symbol *y = &c->s->symbol.data[id];
        if (y->kind != SYM_ANNOTATION || y->target & place) continue;
        Diag *d = error_at(c, WF_E_annotation_misplaced, use, "@%s cannot stand on %s: @%s in it cannot", name_z(c, bundle->name), what, name_z(c, name));
        diag_label(c->s->diags, d, ast_span(ast, part), "it is part of the bundle");
        return;
    }
}

static uint32_t find_annotation_symbol(Cx *c, NodeId node) {
    Sema *s = c->s;
    AstAnnotation a = ast_annotation(c->ast, node);
    uint32_t module = c->m;
    if (a.module != 0) {
        uint32_t import = use_import(c, a.module);
        if (import == NOT_FOUND) {
            error_at(c, WF_E_unknown_module, node, "no import is called `%s`", name_z(c, a.module));
            return NOT_FOUND;
        }
        module = s->symbol.data[import].target;
        if (module == NOT_FOUND) return NOT_FOUND;
    }
    uint32_t id = sema_lookup(s, module, NS_ANNOTATION, a.name);
    if (id == NOT_FOUND && a.module == 0) id = sema_lookup(s, 0, NS_ANNOTATION, a.name);
    if (id != NOT_FOUND) return id;
    Span span = ast_annotation_span(c->ast, node);
    Diag *d = diag_add(s->diags, WF_E_unknown_annotation, span, "unknown annotation @%s", name_z(c, a.name));
    uint32_t n;
    Atom *list = names_list(s, module, NS_ANNOTATION, &n);
    Span word = {span.file, span.off + span.len - (uint32_t)atom_str(s->atoms, a.name).n, (uint32_t)atom_str(s->atoms, a.name).n};
    suggest(s, d, word, a.name, list, n, "annotations");
    return NOT_FOUND;
}

void check_annotations(Cx *c, AstList annots, unsigned place, const char *what) {
    Sema *s = c->s;
    if (annots.n == 0 || c->m == 0) return;
    const char *before = c->pure;
    c->pure = "an annotation";
    for (uint32_t i = 0; i < annots.n; i++) {
        NodeId node = annots.at[i];
        if (!ast_is(c->ast, node, AST_ANNOTATION)) continue;
        uint32_t id = find_annotation_symbol(c, node);
        if (id == NOT_FOUND) continue;
        s->symbol.data[id].used = true;
        set_ref(c, node, REF_SYMBOL, id);
        const Symbol y = s->symbol.data[id];
        uint64_t with = 0;
        for (uint32_t k = 0; k < i; k++)
            if (cx_mod(c)->ref[annots.at[k]] == cx_mod(c)->ref[node]) {
                Diag *d = error_at(c, WF_E_duplicate_annotation, node, "@%s stands here twice", name_z(c, y.name));
                diag_label(s->diags, d, cx_span(c, annots.at[k]), "the first");
                break;
            }
        if (y.kind == SYM_BUNDLE) {
            check_args(c, node, ast_annotation(c->ast, node).args, id);
            check_bundle_parts(c, node, &y, place, what);
            continue;
        }
        if (!(y.target & place)) {
            misplaced(c, node, &y, what);
            continue;
        }
        check_arguments(c, node, &y, &with);
        if (place == PLACE_WORKFLOW && str_is(atom_str(s->atoms, y.name), "schedule")) check_schedule_params(c, node, with);
    }
    c->pure = before;
}
