#include "compiler/type/type.h"

#include "base/hash.h"

#include <stdlib.h>

enum { SCALAR_FLAGS = TYF_ORD | TYF_EQ };

static uint8_t basic_flags(TypeKind k) {
    switch (k) {
    case TY_ERROR: return TYF_ERROR | SCALAR_FLAGS;
    case TY_NEVER: return SCALAR_FLAGS;
    case TY_INT:
    case TY_FLOAT:
    case TY_STRING:
    case TY_DURATION:
    case TY_SIZE:
    case TY_TIME: return SCALAR_FLAGS;
    case TY_BOOL:
    case TY_NONE:
    case TY_ENUM: return TYF_EQ;
    case TY_SECRET: return TYF_SECRET;
    case TY_DIR:
    case TY_FILE:
    case TY_ARTIFACT: return TYF_FILE;
    case TY_VAR: return TYF_VAR;
    case TY_NOTHING:
    case TY_JSON:
    case TY_STRUCT:
    case TY_RECORD:
    case TY_LIST:
    case TY_MAP:
    case TY_OPT:
    case TY_COUNT: return 0;
    }
    return 0;
}

static uint64_t type_hash(const Types *t, const Type *x) {
    uint64_t h = hash_mix(x->kind, (uint64_t)x->a << 16 | x->n);
    for (uint32_t i = 0; i < x->n; i++) {
        const TypeField *f = &t->field.data[x->b + i];
        h = hash_mix(h, (uint64_t)f->name << 32 | f->type);
        h = hash_mix(h, f->foreign);
    }
    return h;
}

static bool type_same(const Types *t, const Type *x, const Type *y) {
    if (x->kind != y->kind || x->a != y->a || x->n != y->n) return false;
    for (uint32_t i = 0; i < x->n; i++) {
        const TypeField *f = &t->field.data[x->b + i], *g = &t->field.data[y->b + i];
        if (f->name != g->name || f->type != g->type || f->foreign != g->foreign) return false;
    }
    return true;
}

static void slot_put(Types *t, TypeId id) {
    uint32_t i = (uint32_t)type_hash(t, &t->type.data[id]) & t->mask;
    while (t->slot[i] != 0) i = (i + 1) & t->mask;
    t->slot[i] = id + 1;
}

/* The id of x; its fields, if any, are the last in t->field and are dropped when x is known already. */
static TypeId intern(Types *t, Type x) {
    uint32_t i = (uint32_t)type_hash(t, &x) & t->mask;
    for (; t->slot[i] != 0; i = (i + 1) & t->mask)
        if (type_same(t, &t->type.data[t->slot[i] - 1], &x)) {
            if (x.n > 0) t->field.len = x.b;
            return t->slot[i] - 1;
        }
    TypeId id = t->type.len;
    vec_push(&t->type, x);
    t->slot[i] = id + 1;
    if (t->type.len > t->mask / 2) {
        t->mask = t->mask * 2 + 1;
        free(t->slot);
        t->slot = wf_alloc_zero(((size_t)t->mask + 1) * sizeof *t->slot);
        for (TypeId y = 0; y < t->type.len; y++) slot_put(t, y);
    }
    return id;
}

void types_init(Types *t, Atoms *atoms) {
    *t = (Types){.mask = 255, .atoms = atoms};
    t->slot = wf_alloc_zero(((size_t)t->mask + 1) * sizeof *t->slot);
    vec_push(&t->field, (TypeField){0});
    for (int k = 0; k <= TY_FILE; k++) {
        vec_push(&t->type, ((Type){.kind = (uint8_t)k, .flags = basic_flags((TypeKind)k)}));
        slot_put(t, (TypeId)k);
    }
}

void types_free(Types *t) {
    vec_free(&t->type);
    vec_free(&t->field);
    vec_free(&t->def);
    free(t->slot);
    *t = (Types){0};
}

/* What a compound type takes over from a part. */
static uint8_t part_flags(const Types *t, TypeId part) {
    return t->type.data[part].flags & (TYF_ERROR | TYF_FILE | TYF_SECRET | TYF_VAR | TYF_EQ);
}

TypeId type_list(Types *t, TypeId element) {
    return intern(t, (Type){.kind = TY_LIST, .flags = part_flags(t, element), .a = element});
}

TypeId type_map(Types *t, TypeId element) {
    return intern(t, (Type){.kind = TY_MAP, .flags = part_flags(t, element), .a = element});
}

TypeId type_opt(Types *t, TypeId inner) {
    switch (type_kind(t, inner)) {
    case TY_OPT:
    case TY_ERROR:
    case TY_NOTHING:
    case TY_NONE: return inner;
    case TY_NEVER: return T_NONE;
    case TY_BOOL:
    case TY_INT:
    case TY_FLOAT:
    case TY_STRING:
    case TY_DURATION:
    case TY_SIZE:
    case TY_TIME:
    case TY_JSON:
    case TY_SECRET:
    case TY_DIR:
    case TY_FILE:
    case TY_ARTIFACT:
    case TY_ENUM:
    case TY_STRUCT:
    case TY_RECORD:
    case TY_LIST:
    case TY_MAP:
    case TY_VAR:
    case TY_COUNT: break;
    }
    return intern(t, (Type){.kind = TY_OPT, .flags = part_flags(t, inner), .a = inner});
}

TypeId type_file(Types *t, Atom format, const TypeField *columns, uint16_t n) {
    uint32_t first = t->field.len;
    vec_append(&t->field, columns, n);
    return intern(t, (Type){.kind = TY_FILE, .flags = TYF_FILE, .n = n, .a = format, .b = first});
}

TypeId type_record(Types *t, const TypeField *fields, uint16_t n) {
    uint32_t first = t->field.len;
    uint8_t flags = TYF_EQ, eq = TYF_EQ;
    for (uint16_t i = 0; i < n; i++) { /* insertion keeps them sorted: records are short */
        uint32_t at = first + i;
        vec_push(&t->field, fields[i]);
        while (at > first && str_cmp(atom_str(t->atoms, fields[i].name), atom_str(t->atoms, t->field.data[at - 1].name)) < 0) {
            t->field.data[at] = t->field.data[at - 1];
            at--;
        }
        t->field.data[at] = fields[i];
        uint8_t f = part_flags(t, fields[i].type);
        flags |= f & (uint8_t)~TYF_EQ;
        eq &= f;
    }
    flags = (uint8_t)((flags & ~TYF_EQ) | eq);
    return intern(t, (Type){.kind = TY_RECORD, .flags = flags, .n = n, .b = first});
}

TypeId type_var(Types *t, uint32_t index) { return intern(t, (Type){.kind = TY_VAR, .flags = TYF_VAR, .a = index}); }

TypeId type_nominal(Types *t, TypeKind kind, Atom name, Atom module, Span span, uint32_t decl) {
    uint32_t def = t->def.len;
    vec_push(&t->def, ((TypeDef){.name = name, .module = module, .span = span, .kind = kind, .decl = decl}));
    return intern(t, (Type){.kind = (uint8_t)kind, .flags = basic_flags(kind), .a = def});
}

void type_def_fields(Types *t, TypeId nominal, const TypeField *fields, uint32_t n) {
    TypeDef *d = type_def(t, nominal);
    d->first = t->field.len;
    d->n = n;
    vec_append(&t->field, fields, n);
}

void types_seal(Types *t) {
    /* A struct may hold structs declared later: repeat until nothing changes, at most once per nesting level. */
    for (bool again = true; again;) {
        again = false;
        for (TypeId id = 0; id < t->type.len; id++) {
            Type *x = &t->type.data[id];
            uint8_t flags = x->flags;
            if (x->kind == TY_STRUCT) {
                const TypeDef *d = &t->def.data[x->a];
                uint8_t eq = TYF_EQ;
                flags = 0;
                for (uint32_t i = 0; i < d->n; i++) {
                    uint8_t f = part_flags(t, t->field.data[d->first + i].type);
                    flags |= f & (uint8_t)~TYF_EQ;
                    eq &= f;
                }
                flags |= eq;
            } else if (x->kind == TY_LIST || x->kind == TY_MAP || x->kind == TY_OPT) {
                flags = part_flags(t, x->a);
            }
            if (flags != x->flags) {
                x->flags = flags;
                again = true;
            }
        }
    }
}

const TypeField *type_fields(const Types *t, TypeId id, uint32_t *n) {
    const Type *x = type_at(t, id);
    if (x->kind == TY_RECORD || x->kind == TY_FILE) return *n = x->n, &t->field.data[x->b];
    if (x->kind == TY_STRUCT || x->kind == TY_ENUM) {
        const TypeDef *d = &t->def.data[x->a];
        return *n = d->n, &t->field.data[d->first];
    }
    return *n = 0, NULL;
}

int type_field_index(const Types *t, TypeId id, Atom name) {
    uint32_t n;
    const TypeField *f = type_fields(t, id, &n);
    for (uint32_t i = 0; i < n; i++)
        if (f[i].name == name) return (int)i;
    return -1;
}

TypeId type_file_base(const Types *t, TypeId id) {
    /* Artifact chains are acyclic once checked; the bound guards against being called before. */
    for (uint32_t i = 0; i <= t->def.len && type_kind(t, id) == TY_ARTIFACT; i++) id = type_def(t, id)->base;
    return id;
}

/* A file type of fewer demands: the format is open or equal, and each wanted column is there. */
static bool file_fits(const Types *t, const Type *from, const Type *to) {
    if (to->a != 0 && from->a != to->a) return false;
    for (uint32_t i = 0; i < to->n; i++) {
        const TypeField *want = &t->field.data[to->b + i];
        bool found = false;
        for (uint32_t j = 0; j < from->n && !found; j++) {
            const TypeField *have = &t->field.data[from->b + j];
            found = have->name == want->name && have->foreign == want->foreign &&
                    (have->type == want->type || (type_kind(t, want->type) == TY_OPT && type_inner(t, want->type) == have->type));
        }
        if (!found) return false;
    }
    return true;
}

bool type_same_repr_fits(const Types *t, TypeId from, TypeId to) {
    if (from == to || from == T_ERROR || to == T_ERROR || from == T_NEVER) return true;
    const Type *x = type_at(t, from), *y = type_at(t, to);
    if (x->kind == TY_ARTIFACT) {
        if (y->kind != TY_ARTIFACT && y->kind != TY_FILE && y->kind != TY_DIR) return false;
        return type_same_repr_fits(t, type_def(t, from)->base, to);
    }
    if (x->kind == TY_FILE && y->kind == TY_FILE) return file_fits(t, x, y);
    if ((x->kind == TY_LIST && y->kind == TY_LIST) || (x->kind == TY_MAP && y->kind == TY_MAP))
        return type_same_repr_fits(t, x->a, y->a);
    if (x->kind == TY_OPT && y->kind == TY_OPT) return type_same_repr_fits(t, x->a, y->a);
    if (x->kind == TY_RECORD && y->kind == TY_RECORD && x->n == y->n) {
        for (uint32_t i = 0; i < x->n; i++) {
            const TypeField *f = &t->field.data[x->b + i], *g = &t->field.data[y->b + i];
            if (f->name != g->name || !type_same_repr_fits(t, f->type, g->type)) return false;
        }
        return true;
    }
    return false;
}

bool type_fits(const Types *t, TypeId from, TypeId to) {
    if (type_same_repr_fits(t, from, to)) return true;
    const Type *x = type_at(t, from), *y = type_at(t, to);
    if (y->kind == TY_OPT) {
        if (x->kind == TY_NONE) return true;
        return type_fits(t, x->kind == TY_OPT ? x->a : from, y->a);
    }
    if (x->kind == TY_INT && y->kind == TY_FLOAT) return true;
    if (y->kind == TY_JSON)
        return (x->flags & (TYF_FILE | TYF_SECRET | TYF_VAR)) == 0 && x->kind != TY_NOTHING;
    if (x->kind == TY_RECORD && y->kind == TY_STRUCT) {
        const TypeDef *d = &t->def.data[y->a];
        if (d->n != x->n) return false;
        for (uint32_t i = 0; i < d->n; i++) {
            int at = type_field_index(t, from, t->field.data[d->first + i].name);
            if (at < 0 || !type_fits(t, t->field.data[x->b + (uint32_t)at].type, t->field.data[d->first + i].type)) return false;
        }
        return true;
    }
    return false;
}

TypeId type_join(Types *t, TypeId a, TypeId b) {
    if (a == b) return a;
    if (a == T_ERROR || b == T_ERROR) return T_ERROR;
    if (type_kind(t, a) == TY_NONE && type_kind(t, b) != TY_NOTHING) return type_opt(t, b);
    if (type_kind(t, b) == TY_NONE && type_kind(t, a) != TY_NOTHING) return type_opt(t, a);
    /* `T -> json` is a conversion at a declared place, never what two branches have in common. */
    if (type_kind(t, type_unopt(t, b)) != TY_JSON && type_fits(t, a, b)) return b;
    if (type_kind(t, type_unopt(t, a)) != TY_JSON && type_fits(t, b, a)) return a;
    if (type_kind(t, a) == TY_OPT || type_kind(t, b) == TY_OPT) {
        TypeId j = type_join(t, type_unopt(t, a), type_unopt(t, b));
        return j == T_ERROR ? T_ERROR : type_opt(t, j);
    }
    return T_ERROR;
}

static void print_fields(Buf *out, const Types *t, const TypeField *f, uint32_t n, const char *open, const char *close) {
    buf_z(out, open);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_z(out, ", ");
        buf_printf(out, "%s: ", atom_cstr(t->atoms, f[i].name));
        type_print(out, t, f[i].type);
    }
    buf_z(out, close);
}

void type_print(Buf *out, const Types *t, TypeId id) {
    static const char *const names[TY_COUNT] = {
        [TY_ERROR] = "<error>", [TY_NOTHING] = "nothing", [TY_NEVER] = "never", [TY_NONE] = "none", [TY_BOOL] = "bool",
        [TY_INT] = "int", [TY_FLOAT] = "float", [TY_STRING] = "string", [TY_DURATION] = "duration", [TY_SIZE] = "size",
        [TY_TIME] = "time", [TY_JSON] = "json", [TY_SECRET] = "secret string", [TY_DIR] = "dir", [TY_FILE] = "file"};
    const Type *x = type_at(t, id);
    switch ((TypeKind)x->kind) {
    case TY_FILE:
        buf_z(out, "file");
        if (x->a != 0) buf_printf(out, " \"%s\"", atom_cstr(t->atoms, x->a));
        if (x->n > 0) print_fields(out, t, &t->field.data[x->b], x->n, " { ", " }");
        return;
    case TY_ARTIFACT:
    case TY_ENUM:
    case TY_STRUCT: buf_z(out, atom_cstr(t->atoms, t->def.data[x->a].name)); return;
    case TY_RECORD: print_fields(out, t, &t->field.data[x->b], x->n, "(", ")"); return;
    case TY_LIST:
        buf_addc(out, '[');
        type_print(out, t, x->a);
        buf_addc(out, ']');
        return;
    case TY_MAP:
        buf_z(out, "[string: ");
        type_print(out, t, x->a);
        buf_addc(out, ']');
        return;
    case TY_OPT:
        type_print(out, t, x->a);
        buf_addc(out, '?');
        return;
    case TY_VAR: buf_addc(out, (char)x->a); return;
    case TY_ERROR:
    case TY_NOTHING:
    case TY_NEVER:
    case TY_NONE:
    case TY_BOOL:
    case TY_INT:
    case TY_FLOAT:
    case TY_STRING:
    case TY_DURATION:
    case TY_SIZE:
    case TY_TIME:
    case TY_JSON:
    case TY_SECRET:
    case TY_DIR:
    case TY_COUNT: buf_z(out, names[x->kind]); return;
    }
}

const char *type_z(Arena *a, const Types *t, TypeId id) {
    Buf b = BUF_INIT;
    type_print(&b, t, id);
    char *z = arena_strndup(a, b.p, b.n);
    buf_free(&b);
    return z;
}
