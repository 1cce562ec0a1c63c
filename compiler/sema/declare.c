/* Declarations: their names, the types they define, their signatures. */
#include "compiler/sema/check.h"

static const struct {
    const char *name;
    TypeId type;
} basic_types[] = {{"int", T_INT}, {"float", T_FLOAT}, {"bool", T_BOOL}, {"string", T_STRING}, {"duration", T_DURATION}, {"size", T_SIZE},
    {"time", T_TIME}, {"json", T_JSON}, {"file", T_FILE}, {"dir", T_DIR}};

/* Words that people try, and what they are called here. */
static const struct {
    const char *wrong, *right;
} type_words[] = {{"str", "string"}, {"text", "string"}, {"integer", "int"}, {"number", "float"}, {"double", "float"}, {"boolean", "bool"},
    {"bytes", "size"}, {"datetime", "time"}, {"timestamp", "time"}, {"timedelta", "duration"}, {"dict", "json"}, {"object", "json"},
    {"any", "json"}, {"path", "file"}, {"folder", "dir"}, {"directory", "dir"}};

static TypeId unknown_type(Cx *c, NodeId node, Atom name, uint32_t module) {
    Sema *s = c->s;
    Span at = ast_name_span(c->ast, node);
    if (module != c->m) {
        Diag *d = diag_add(s->diags, WF_E_unknown_type, at, "`%s` declares no type `%s`", name_z(c, s->module.data[module].name), name_z(c, name));
        uint32_t n;
        Atom *types = names_list(s, module, NS_TYPE, &n);
        suggest(s, d, at, name, types, n, "types");
        return T_ERROR;
    }
    Diag *d = diag_add(s->diags, WF_E_unknown_type, at, "unknown type `%s`", name_z(c, name));
    Str z = atom_str(s->atoms, name);
    for (size_t i = 0; i < sizeof type_words / sizeof *type_words; i++)
        if (str_is(z, type_words[i].wrong)) {
            diag_help(s->diags, d, "this type is called `%s`", type_words[i].right);
            diag_edit(s->diags, d, at, "%s", type_words[i].right);
            return T_ERROR;
        }
    if (str_is(z, "list") || str_is(z, "array")) {
        diag_help(s->diags, d, "a list of T is written `[T]`");
        return T_ERROR;
    }
    if (str_is(z, "map")) {
        diag_help(s->diags, d, "a map to T is written `[string: T]`");
        return T_ERROR;
    }
    uint32_t n;
    Atom *types = names_list(s, c->m, NS_TYPE, &n);
    uint32_t nb = sizeof basic_types / sizeof *basic_types;
    Atom *all = ARENA_ARRAY(&s->diags->arena, Atom, n + nb);
    for (uint32_t i = 0; i < nb; i++) all[i] = atom_z(s->atoms, basic_types[i].name);
    memcpy(all + nb, types, n * sizeof *all);
    suggest(s, d, at, name, all, n + nb, "types");
    return T_ERROR;
}

static TypeId type_of_name(Cx *c, NodeId node) {
    Sema *s = c->s;
    AstTypeName t = ast_type_name(c->ast, node);
    uint32_t module = c->m;
    if (t.module != 0) {
        uint32_t import = use_import(c, t.module);
        if (import == NOT_FOUND) {
            Span at = cx_span(c, node);
            at.len = (uint32_t)atom_str(s->atoms, t.module).n;
            Diag *d = diag_add(s->diags, WF_E_unknown_module, at, "no import is called `%s`", name_z(c, t.module));
            uint32_t n;
            Atom *list = names_list(s, c->m, NS_IMPORT, &n);
            suggest(s, d, at, t.module, list, n, "imports");
            return T_ERROR;
        }
        module = s->symbol.data[import].target;
        if (module == NOT_FOUND) return T_ERROR;
    } else {
        for (size_t i = 0; i < sizeof basic_types / sizeof *basic_types; i++)
            if (str_is(atom_str(s->atoms, t.name), basic_types[i].name)) return basic_types[i].type;
    }
    uint32_t sym = sema_lookup(s, module, NS_TYPE, t.name);
    if (sym == NOT_FOUND && t.module == 0) sym = sema_lookup(s, 0, NS_TYPE, t.name);
    if (sym == NOT_FOUND) return unknown_type(c, node, t.name, module);
    s->symbol.data[sym].used = true;
    return s->symbol.data[sym].type;
}

/* The fields of a struct, record or table, with duplicates reported. In the arena. */
static TypeField *resolve_fields(Cx *c, AstList list, bool columns, uint32_t *n) {
    Sema *s = c->s;
    TypeField *out = ARENA_ARRAY(&s->arena, TypeField, list.n);
    *n = 0;
    AST_EACH(list, field) {
        if (!ast_is(c->ast, field, AST_PARAM)) continue; /* an ERROR node, reported by the parser */
        AstParam p = ast_param(c->ast, field);
        TypeField f = {.name = p.name, .type = resolve_type(c, p.type)};
        check_annotations(c, p.annots, PLACE_FIELD, "a field");
        NodeId foreign = find_annotation(c, p.annots, "name");
        if (foreign != 0) {
            AstList args = ast_annotation(c->ast, foreign).args;
            if (args.n == 1 && ast_is(c->ast, ast_arg(c->ast, args.at[0]).value, AST_STRING))
                f.foreign = atom_of(s->atoms, ast_string(c->ast, ast_arg(c->ast, args.at[0]).value));
        }
        NodeId before = 0;
        for (uint32_t i = 0; before == 0 && list.at[i] != field; i++)
            if (ast_is(c->ast, list.at[i], AST_PARAM) && ast_param(c->ast, list.at[i]).name == f.name) before = list.at[i];
        TypeKind k = kind_of(c, type_unopt(s->types, f.type));
        if (before != 0) {
            Diag *d = error_name(c, WF_E_duplicate_name, field, "%s `%s` is declared twice", columns ? "column" : "field", name_z(c, p.name));
            diag_label(s->diags, d, ast_name_span(c->ast, before), "first declared here");
        } else if (type_has(s->types, f.type, TYF_SECRET))
            error_at(c, WF_E_secret_leak, p.type, "a %s cannot hold a secret: secrets go from a parameter to a parameter only",
                     columns ? "column" : "field");
        else if (columns && (k == TY_LIST || k == TY_MAP || k == TY_STRUCT || k == TY_RECORD || type_has(s->types, f.type, TYF_FILE)))
            error_at(c, WF_E_bad_type_form, p.type, "a column holds a scalar or json, not `%s`", ty(c, f.type));
        else
            out[(*n)++] = f;
    }
    return out;
}

static TypeId resolve_format(Cx *c, NodeId node, AstList columns) {
    AstTypeFormat f = ast_type_format(c->ast, node);
    Str word = atom_str(c->s->atoms, f.name), format = atom_str(c->s->atoms, f.format);
    if (!str_is(word, "file")) {
        Diag *d = error_at(c, WF_E_bad_type_form, node, "only `file` has a format, not `%s`", word.p);
        if (str_is(word, "dir")) diag_help(c->s->diags, d, "write `dir`; what is in it is for the step's code to know");
        return T_ERROR;
    }
    bool ok = format.n > 0 && format.n <= 16;
    for (size_t i = 0; i < format.n; i++) {
        char ch = format.p[i];
        ok &= (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (i > 0 && ch == '.' && i + 1 < format.n);
    }
    if (!ok) {
        Diag *d = error_at(c, WF_E_bad_type_form, node, "\"%s\" is no file format", format.p ? format.p : "");
        diag_help(c->s->diags, d, "a format is the ending of the file's name, such as \"csv\", \"json\" or \"tar.gz\"");
        return T_ERROR;
    }
    if (columns.n == 0) return type_file(c->s->types, f.format, NULL, 0);
    static const char *const tables[] = {"csv", "tsv", "json", "jsonl", "parquet"};
    bool table = false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) table |= str_is(format, tables[i]);
    if (!table) {
        Diag *d = error_at(c, WF_E_bad_type_form, node, "a \"%s\" file has no columns", format.p);
        diag_help(c->s->diags, d, "columns can be declared for csv, tsv, json, jsonl and parquet, where they are checked");
        return T_ERROR;
    }
    uint32_t n;
    TypeField *fields = resolve_fields(c, columns, true, &n);
    return type_file(c->s->types, f.format, fields, (uint16_t)n);
}

static TypeId resolve(Cx *c, NodeId node) {
    Sema *s = c->s;
    switch ((int)ast_kind(c->ast, node)) {
    case AST_TYPE_NAME: return type_of_name(c, node);
    case AST_TYPE_SECRET: {
        AstTypeSecret t = ast_type_secret(c->ast, node);
        if (str_is(atom_str(s->atoms, t.word), "secret") && str_is(atom_str(s->atoms, t.name), "string")) return T_SECRET;
        Diag *d = error_at(c, WF_E_bad_type_form, node, "`%s %s` is no type", name_z(c, t.word), name_z(c, t.name));
        if (str_is(atom_str(s->atoms, t.word), "secret")) diag_help(s->diags, d, "secrets are strings: write `secret string`");
        return T_ERROR;
    }
    case AST_TYPE_FORMAT: return resolve_format(c, node, (AstList){0});
    case AST_TYPE_TABLE: {
        AstTypeTable t = ast_type_table(c->ast, node);
        return resolve_format(c, t.file, t.columns);
    }
    case AST_TYPE_LIST: {
        NodeId item = ast_type_list(c->ast, node).item;
        TypeId t = resolve_type(c, item);
        if (type_has(s->types, t, TYF_SECRET)) {
            error_at(c, WF_E_secret_leak, item, "a list cannot hold secrets: declare one parameter for each");
            return T_ERROR;
        }
        return t == T_ERROR ? T_ERROR : type_list(s->types, t);
    }
    case AST_TYPE_MAP: {
        AstTypeMap m = ast_type_map(c->ast, node);
        TypeId k = resolve_type(c, m.key), v = resolve_type(c, m.value);
        if (k != T_STRING && k != T_ERROR) {
            Diag *d = error_at(c, WF_E_bad_type_form, m.key, "the keys of a map are strings, not `%s`", ty(c, k));
            diag_help(s->diags, d, "write `[string: %s]`, or a list of records", ty(c, v));
            return T_ERROR;
        }
        if (type_has(s->types, v, TYF_SECRET)) {
            error_at(c, WF_E_secret_leak, m.value, "a map cannot hold secrets");
            return T_ERROR;
        }
        return k == T_ERROR || v == T_ERROR ? T_ERROR : type_map(s->types, v);
    }
    case AST_TYPE_RECORD: {
        uint32_t n;
        AstList fields = ast_type_record(c->ast, node).fields;
        TypeField *f = resolve_fields(c, fields, false, &n);
        if (n != fields.n) return T_ERROR; /* a field was reported and left out */
        for (uint32_t i = 0; i < n; i++)
            if (f[i].type == T_ERROR) return T_ERROR;
        AST_EACH(fields, field)
            if (ast_param(c->ast, field).value != 0)
                error_at(c, WF_E_bad_type_form, ast_param(c->ast, field).value, "a record type has no defaults; a struct can");
        return type_record(s->types, f, (uint16_t)n);
    }
    case AST_TYPE_OPTIONAL: {
        TypeId t = resolve_type(c, ast_type_optional(c->ast, node).type);
        return t == T_ERROR ? T_ERROR : type_opt(s->types, t);
    }
    default: return T_ERROR; /* an ERROR node, reported by the parser */
    }
}

TypeId resolve_type(Cx *c, NodeId node) { return node == 0 ? T_ERROR : set_type(c, node, resolve(c, node)); }

/* --- names --- */

static NameSpace space_of(SymbolKind k) {
    switch (k) {
    case SYM_STEP:
    case SYM_FN:
    case SYM_WORKFLOW: return NS_CALLABLE;
    case SYM_CONST:
    case SYM_TARGET: return NS_VALUE;
    case SYM_STRUCT:
    case SYM_ENUM:
    case SYM_ARTIFACT: return NS_TYPE;
    case SYM_IMPORT: return NS_IMPORT;
    case SYM_ANNOTATION:
    case SYM_BUNDLE: return NS_ANNOTATION;
    }
    return NS_VALUE;
}

static uint32_t add_symbol(Sema *s, uint32_t module, SymbolKind kind, NodeId decl, Atom name, const char *what) {
    Module *m = &s->module.data[module];
    Symbol y = {.kind = kind, .module = module, .decl = decl, .name = name, .span = ast_name_span(&m->ast, decl), .target = NOT_FOUND};
    uint32_t id = s->symbol.len, other;
    vec_push(&s->symbol, y);
    check_name_form(s, name, y.span, what);
    if (name != 0 && !names_add(s, module, space_of(kind), name, id, &other)) {
        Diag *d = diag_add(s->diags, WF_E_duplicate_name, y.span, "`%s` is declared twice", atom_cstr(s->atoms, name));
        diag_label(s->diags, d, s->symbol.data[other].span, "first declared here");
        if (kind == SYM_IMPORT) diag_help(s->diags, d, "give one of the imports another name with `as`");
    }
    return id;
}

void declare_module(Sema *s, uint32_t module) {
    Module *m = &s->module.data[module];
    m->first_symbol = s->symbol.len;
    AstList items = ast_file(&m->ast, m->ast.root).items;
    AST_EACH(items, item) {
        const Ast *ast = &s->module.data[module].ast;
        Atom name = ast_name_of(ast, item);
        uint32_t y;
        switch ((int)ast_kind(ast, item)) {
        case AST_STEP: add_symbol(s, module, SYM_STEP, item, name, "a step"); break;
        case AST_FN: add_symbol(s, module, SYM_FN, item, name, "a function"); break;
        case AST_WORKFLOW: add_symbol(s, module, SYM_WORKFLOW, item, name, "a workflow"); break;
        case AST_BINDING: add_symbol(s, module, SYM_CONST, item, name, "a constant"); break;
        case AST_TARGET: add_symbol(s, module, SYM_TARGET, item, name, "a target"); break;
        case AST_BUNDLE: add_symbol(s, module, SYM_BUNDLE, item, name, "an annotation"); break;
        case AST_ANNOTATION_DECL: {
            y = add_symbol(s, module, SYM_ANNOTATION, item, name, "an annotation");
            s->symbol.data[y].target = 0;
            AstList places = ast_annotation_decl(ast, item).places;
            AST_EACH(places, place) s->symbol.data[y].target |= place_parse(atom_str(s->atoms, ast_local(ast, place).name));
            break;
        }
        case AST_STRUCT:
        case AST_ENUM:
        case AST_ARTIFACT: {
            SymbolKind k = ast_kind(ast, item) == AST_STRUCT ? SYM_STRUCT : ast_kind(ast, item) == AST_ENUM ? SYM_ENUM : SYM_ARTIFACT;
            TypeKind t = k == SYM_STRUCT ? TY_STRUCT : k == SYM_ENUM ? TY_ENUM : TY_ARTIFACT;
            y = add_symbol(s, module, k, item, name, "a type");
            s->symbol.data[y].type = type_nominal(s->types, t, name, s->module.data[module].name, s->symbol.data[y].span, y);
            break;
        }
        default: break; /* imports are added when they are loaded; tests have no name */
        }
    }
    m = &s->module.data[module];
    m->nsymbols = s->symbol.len - m->first_symbol;
}

/* --- the bodies of types --- */

static void declare_enum(Cx *c, Symbol *y) {
    AstEnum e = ast_enum(c->ast, y->decl);
    TypeField *members = ARENA_ARRAY(&c->s->arena, TypeField, e.members.n);
    uint32_t n = 0;
    AST_EACH(e.members, member) {
        if (!ast_is(c->ast, member, AST_LOCAL)) continue;
        Atom name = ast_local(c->ast, member).name;
        bool twice = false;
        for (uint32_t i = 0; i < n; i++) twice |= members[i].name == name;
        check_name_form(c->s, name, cx_span(c, member), "an enum member");
        if (twice) {
            Diag *d = error_at(c, WF_E_duplicate_name, member, "enum member `%s` is declared twice", name_z(c, name));
            for (uint32_t i = 0; i < e.members.n; i++)
                if (ast_is(c->ast, e.members.at[i], AST_LOCAL) && ast_local(c->ast, e.members.at[i]).name == name) {
                    diag_label(c->s->diags, d, cx_span(c, e.members.at[i]), "first declared here");
                    break;
                }
        } else
            members[n++] = (TypeField){.name = name};
    }
    type_def_fields(c->s->types, y->type, members, n);
}

/* Parameters, fields and outputs with their types; duplicates are reported. */
static void declare_params(Cx *c, AstList list, const char *what, uint32_t *first, uint32_t *n) {
    Sema *s = c->s;
    *first = s->param.len;
    AST_EACH(list, node) {
        if (!ast_is(c->ast, node, AST_PARAM)) continue;
        AstParam p = ast_param(c->ast, node);
        SemaParam x = {.name = p.name, .type = resolve_type(c, p.type), .node = node, .value = p.value};
        if (find_annotation(c, p.annots, "load")) x.flags |= PF_LOAD;
        if (find_annotation(c, p.annots, "const")) x.flags |= PF_CONST;
        if (find_annotation(c, p.annots, "predicate")) x.flags |= PF_PREDICATE;
        if (find_annotation(c, p.annots, "params")) x.flags |= PF_PARAMS;
        for (uint32_t i = *first; i < s->param.len; i++)
            if (s->param.data[i].name == p.name) {
                Diag *d = diag_add(s->diags, WF_E_duplicate_name, ast_name_span(c->ast, node), "%s `%s` is declared twice", what, name_z(c, p.name));
                diag_label(s->diags, d, ast_name_span(c->ast, s->param.data[i].node), "first declared here");
                break;
            }
        vec_push(&s->param, x);
    }
    *n = s->param.len - *first;
}

static void declare_struct(Cx *c, uint32_t symbol) {
    Sema *s = c->s;
    Symbol *y = &s->symbol.data[symbol];
    AstStruct t = ast_struct(c->ast, y->decl);
    uint32_t n, first, count;
    TypeField *fields = resolve_fields(c, t.fields, false, &n);
    type_def_fields(s->types, y->type, fields, n);
    first = s->param.len;
    AST_EACH(t.fields, node) {
        if (!ast_is(c->ast, node, AST_PARAM)) continue;
        AstParam p = ast_param(c->ast, node);
        int at = type_field_index(s->types, y->type, p.name);
        bool seen = false;
        for (uint32_t i = first; i < s->param.len; i++) seen |= s->param.data[i].name == p.name;
        if (at >= 0 && !seen) vec_push(&s->param, ((SemaParam){.name = p.name, .type = get_type(c, p.type), .node = node, .value = p.value}));
    }
    count = s->param.len - first;
    y = &s->symbol.data[symbol];
    y->param = first;
    y->nparam = count;
}

static void declare_artifact(Cx *c, Symbol *y) {
    AstArtifact a = ast_artifact(c->ast, y->decl);
    TypeId base = resolve_type(c, a.type);
    TypeKind k = kind_of(c, base);
    if (base != T_ERROR && k != TY_FILE && k != TY_DIR && k != TY_ARTIFACT) {
        Diag *d = error_at(c, WF_E_bad_artifact, a.type, "artifact `%s` must be a file or a directory, not `%s`", name_z(c, y->name), ty(c, base));
        diag_help(c->s->diags, d, "write `artifact %s = file \"csv\" { ... }`, or declare a struct for plain values", name_z(c, y->name));
        base = T_ERROR;
    }
    type_def(c->s->types, y->type)->base = base;
}

void declare_types(Sema *s, uint32_t module) {
    Cx c = cx_open(s, module, NOT_FOUND);
    uint32_t first = s->module.data[module].first_symbol, n = s->module.data[module].nsymbols;
    for (uint32_t i = first; i < first + n; i++) {
        Symbol *y = &s->symbol.data[i];
        if (y->kind == SYM_ENUM) declare_enum(&c, y);
        if (y->kind == SYM_STRUCT) declare_struct(&c, i);
        if (y->kind == SYM_ARTIFACT) declare_artifact(&c, &s->symbol.data[i]);
    }
    cx_close(&c);
}

/* A type on the way through what types hold: structs and records by field, artifacts by base. Lists and maps end it. */
typedef struct TypeStep {
    TypeId type;
    uint32_t next; /* field that is looked at after this one */
} TypeStep;
typedef VEC(TypeStep) TypePath;

/* Where the declaration of a step's type names the next type; file 0 when that is a record. */
static Span step_span(const Sema *s, const TypeStep *step) {
    TypeKind k = type_kind(s->types, step->type);
    if (k != TY_STRUCT && k != TY_ARTIFACT) return SPAN_NONE;
    const TypeDef *def = type_def(s->types, step->type);
    const Symbol *y = &s->symbol.data[def->decl];
    const Ast *ast = &s->module.data[y->module].ast;
    if (k == TY_ARTIFACT) return ast_span(ast, ast_artifact(ast, y->decl).type);
    Atom name = s->types->field.data[def->first + step->next - 1].name;
    AstList fields = ast_struct(ast, y->decl).fields;
    AST_EACH(fields, f)
        if (ast_is(ast, f, AST_PARAM) && ast_param(ast, f).name == name) return ast_span(ast, f);
    return def->span;
}

static void report_type_cycle(Sema *s, const TypeStep *step, uint32_t n) {
    Buf names = BUF_INIT;
    const TypeDef *def = NULL;
    bool artifact = false;
    for (uint32_t i = 0; i < n; i++) {
        if (step_span(s, &step[i]).file == 0) continue;
        if (def == NULL) def = type_def(s->types, step[i].type);
        artifact |= type_kind(s->types, step[i].type) == TY_ARTIFACT;
        buf_printf(&names, "%s -> ", atom_cstr(s->atoms, type_def(s->types, step[i].type)->name));
    }
    if (def == NULL) return; /* no type is made of records alone */
    Diag *d = diag_add(s->diags, WF_E_recursive_type, def->span, "`%s` contains itself: %s%s", atom_cstr(s->atoms, def->name), buf_cstr(&names),
                       atom_cstr(s->atoms, def->name));
    for (uint32_t i = 0; i < n; i++)
        if (step_span(s, &step[i]).file != 0) diag_label(s->diags, d, step_span(s, &step[i]), "%s", "");
    if (artifact) diag_help(s->diags, d, "an artifact is a file or a directory in the end: `artifact %s = file`", atom_cstr(s->atoms, def->name));
    else diag_help(s->diags, d, "put a list in between, such as `[%s]`, or use `json`", atom_cstr(s->atoms, def->name));
    buf_free(&names);
}

/* Cuts the way that closes a cycle, so that nothing that goes through types runs in a circle. */
static void cut_type_cycle(Sema *s, const TypeStep *step, uint32_t n) {
    for (uint32_t i = n; i-- > 0;) {
        TypeKind k = type_kind(s->types, step[i].type);
        if (k == TY_RECORD) continue;
        TypeDef *def = type_def(s->types, step[i].type);
        if (k == TY_ARTIFACT) def->base = T_ERROR;
        else s->types->field.data[def->first + step[i].next - 1].type = T_ERROR;
        return;
    }
}

/* The type that the next field of a step holds directly, or T_ERROR. */
static bool next_part(const Types *t, TypeStep *step, TypeId *part) {
    uint32_t n;
    if (type_kind(t, step->type) == TY_ARTIFACT) {
        if (step->next++ > 0) return false;
        *part = type_def(t, step->type)->base;
        return true;
    }
    const TypeField *f = type_fields(t, step->type, &n);
    if (step->next == n) return false;
    *part = type_unopt(t, f[step->next++].type);
    return true;
}

/* Depth-first with a stack of our own; state 1: on the way, 2: done. */
static void find_type_cycles(Sema *s, TypeId root, uint8_t *state, TypePath *path) {
    vec_push(path, ((TypeStep){root, 0}));
    state[root] = 1;
    while (path->len > 0) {
        TypeStep *top = &vec_last(path);
        TypeId part;
        if (!next_part(s->types, top, &part)) {
            state[top->type] = 2;
            (void)vec_pop(path);
            continue;
        }
        TypeKind k = type_kind(s->types, part);
        if ((k != TY_STRUCT && k != TY_ARTIFACT && k != TY_RECORD) || state[part] == 2) continue;
        if (state[part] == 0) {
            state[part] = 1;
            vec_push(path, ((TypeStep){part, 0}));
            continue;
        }
        uint32_t from = path->len - 1;
        while (path->data[from].type != part) from--;
        report_type_cycle(s, path->data + from, path->len - from);
        cut_type_cycle(s, path->data + from, path->len - from);
    }
}

void check_type_cycles(Sema *s) {
    uint8_t *state = ARENA_ARRAY(&s->arena, uint8_t, s->types->type.len);
    TypePath path = {0};
    for (uint32_t i = 0; i < s->symbol.len; i++) {
        const Symbol *y = &s->symbol.data[i];
        if ((y->kind == SYM_STRUCT || y->kind == SYM_ARTIFACT) && state[y->type] == 0) find_type_cycles(s, y->type, state, &path);
    }
    vec_free(&path);
    types_seal(s->types);
}

/* --- signatures --- */

/* Outputs of a step or workflow: none, one unnamed, or named ones; sets the type of a call. */
static void declare_outputs(Cx *c, uint32_t symbol, NodeId output) {
    Sema *s = c->s;
    uint32_t first = s->param.len, n = 0;
    TypeId type = T_NOTHING;
    bool unnamed = false;
    if (ast_is(c->ast, output, AST_TYPE_RECORD)) {
        declare_params(c, ast_type_record(c->ast, output).fields, "output", &first, &n);
        TypeField *f = ARENA_ARRAY(&s->arena, TypeField, n);
        uint32_t k = 0;
        bool wrong = false;
        for (uint32_t i = 0; i < n; i++) {
            const SemaParam *p = &s->param.data[first + i];
            wrong |= p->type == T_ERROR;
            bool seen = false;
            for (uint32_t j = 0; j < k; j++) seen |= f[j].name == p->name;
            if (!seen) f[k++] = (TypeField){.name = p->name, .type = p->type};
            check_name_form(s, p->name, ast_name_span(c->ast, p->node), "an output");
            if (p->value != 0) error_at(c, WF_E_bad_type_form, p->value, "an output has no default");
        }
        type = wrong ? T_ERROR : n == 1 ? f[0].type : type_record(s->types, f, (uint16_t)k);
        set_type(c, output, type);
    } else if (output != 0) {
        type = resolve_type(c, output);
        unnamed = true;
        n = 1;
        vec_push(&s->param, ((SemaParam){.name = atom_z(s->atoms, "out"), .type = type}));
    }
    for (uint32_t i = 0; i < n; i++)
        if (type_has(s->types, s->param.data[first + i].type, TYF_SECRET))
            diag_add(s->diags, WF_E_secret_leak, cx_span(c, output), "an output cannot be a secret");
    Symbol *y = &s->symbol.data[symbol];
    y->output = first;
    y->noutput = n;
    y->unnamed = unnamed;
    y->type = type;
}

static void declare_callable(Cx *c, uint32_t i) {
    Sema *s = c->s;
    Symbol *y = &s->symbol.data[i];
    NodeId decl = y->decl;
    AstList params = {0};
    NodeId output = 0;
    SymbolKind kind = y->kind;
    if (kind == SYM_STEP) params = ast_step(c->ast, decl).params, output = ast_step(c->ast, decl).output;
    if (kind == SYM_WORKFLOW) params = ast_workflow(c->ast, decl).params, output = ast_workflow(c->ast, decl).output;
    if (kind == SYM_FN) params = ast_fn(c->ast, decl).params, output = ast_fn(c->ast, decl).output;
    if (kind == SYM_ANNOTATION) params = ast_annotation_decl(c->ast, decl).params;
    if (kind == SYM_BUNDLE) params = ast_bundle(c->ast, decl).params;
    uint32_t first, n;
    declare_params(c, params, "parameter", &first, &n);
    s->symbol.data[i].param = first;
    s->symbol.data[i].nparam = n;
    if (kind == SYM_STEP || kind == SYM_WORKFLOW) {
        declare_outputs(c, i, output);
        s->symbol.data[i].effects = s->symbol.data[i].noutput == 0;
    }
    if (kind == SYM_ANNOTATION)
        for (uint32_t k = first; k < first + n; k++)
            s->param.data[k].flags |= value_rule(name_z(c, s->symbol.data[i].name), name_z(c, s->param.data[k].name)) << PF_RULE_SHIFT;
    if (kind == SYM_FN) s->symbol.data[i].type = resolve_type(c, output);
    if (kind != SYM_FN) return;
    for (uint32_t k = first; k < first + n; k++)
        if (type_has(s->types, s->param.data[k].type, TYF_SECRET))
            error_at(c, WF_E_secret_leak, s->param.data[k].node, "a function cannot take a secret: it could only reveal it");
}

void declare_signatures(Sema *s, uint32_t module) {
    Cx c = cx_open(s, module, NOT_FOUND);
    uint32_t first = s->module.data[module].first_symbol, n = s->module.data[module].nsymbols;
    for (uint32_t i = first; i < first + n; i++) {
        SymbolKind k = s->symbol.data[i].kind;
        forget_before(s, module, s->symbol.data[i].decl);
        if (k == SYM_STEP || k == SYM_FN || k == SYM_WORKFLOW || k == SYM_ANNOTATION || k == SYM_BUNDLE) declare_callable(&c, i);
    }
    s->module.data[module].forgotten = 0;
    cx_close(&c);
}
