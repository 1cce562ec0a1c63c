/* The layout of types: RtTypes from the type table, with the same ids. */
#include "compiler/backend/plan/layout.h"

static RtKind kind_of(const Types *t, TypeId id) {
    switch (type_kind(t, id)) {
    case TY_BOOL: return RT_BOOL;
    case TY_INT: return RT_INT;
    case TY_FLOAT: return RT_FLOAT;
    case TY_STRING: return RT_STRING;
    case TY_DURATION: return RT_DURATION;
    case TY_SIZE: return RT_SIZE;
    case TY_TIME: return RT_TIME;
    case TY_JSON: return RT_JSON;
    case TY_SECRET: return RT_SECRET;
    case TY_DIR: return RT_DIR;
    case TY_FILE: return RT_FILE;
    case TY_ARTIFACT: return type_kind(t, type_file_base(t, id)) == TY_DIR ? RT_DIR : RT_FILE;
    case TY_ENUM: return RT_ENUM;
    case TY_STRUCT:
    case TY_RECORD: return RT_STRUCT;
    case TY_LIST: return RT_LIST;
    case TY_MAP: return RT_MAP;
    case TY_OPT: return RT_OPT;
    case TY_ERROR:
    case TY_NOTHING:
    case TY_NEVER:
    case TY_NONE:
    case TY_VAR:
    case TY_COUNT: return RT_NOTHING;
    }
    return RT_NOTHING;
}

typedef struct Layout {
    const Flow *f;
    Arena *arena;
    RtType *type;
    RtField *field;
    bool *done;
} Layout;

/* Parts first; types do not contain themselves except through lists and maps, which are pointers. */
static void lay_out(Layout *l, TypeId id) {
    const Types *t = l->f->types;
    if (l->done[id]) return;
    l->done[id] = true;
    RtType *x = &l->type[id];
    x->kind = (uint8_t)kind_of(t, id);
    x->name = type_z(l->arena, t, id);
    x->format = "";
    switch ((RtKind)x->kind) {
    case RT_NOTHING: return;
    case RT_BOOL:
    case RT_INT:
    case RT_FLOAT:
    case RT_DURATION:
    case RT_SIZE:
    case RT_TIME:
    case RT_ENUM: x->words = 1; break;
    case RT_STRING:
    case RT_JSON:
    case RT_SECRET:
    case RT_FILE:
    case RT_DIR: x->words = 1; x->pointer = x->has_pointers = true; break;
    case RT_LIST:
    case RT_MAP:
        x->inner = type_inner(t, id);
        x->words = 1;
        x->pointer = x->has_pointers = true;
        lay_out(l, x->inner);
        break;
    case RT_OPT: {
        x->inner = type_inner(t, id);
        lay_out(l, x->inner);
        const RtType *inner = &l->type[x->inner];
        x->pointer = inner->pointer;
        x->has_pointers = inner->has_pointers;
        x->words = inner->pointer ? 1 : inner->words + 1;
        break;
    }
    case RT_STRUCT: break;
    }
    x->has_file = type_has(t, id, TYF_FILE);
    TypeId base = type_kind(t, id) == TY_ARTIFACT ? type_file_base(t, id) : id;
    if (type_kind(t, id) == TY_ARTIFACT) x->artifact = atom_cstr(t->atoms, type_def(t, id)->name);
    if (type_kind(t, base) == TY_FILE && type_at(t, base)->a != 0) x->format = atom_cstr(t->atoms, type_at(t, base)->a);
    uint32_t n;
    const TypeField *f = type_fields(t, base, &n);
    x->first = n > 0 ? (uint32_t)(f - t->field.data) : 0;
    x->n = n;
    for (uint32_t i = 0; i < n; i++) {
        RtField *r = &l->field[x->first + i];
        r->name = atom_cstr(t->atoms, f[i].name);
        r->foreign = f[i].foreign != 0 ? atom_cstr(t->atoms, f[i].foreign) : r->name;
        r->type = f[i].type;
        r->offset = x->words;
        if (x->kind == RT_ENUM) continue;
        lay_out(l, f[i].type);
        if (x->kind != RT_STRUCT) continue;
        x->words += l->type[f[i].type].words;
        x->has_pointers |= l->type[f[i].type].has_pointers;
    }
}

RtTypes *layout_types(Arena *arena, const Flow *f, RtField **fields) {
    Layout l = {.f = f, .arena = arena};
    uint32_t n = f->types->type.len;
    l.type = ARENA_ARRAY(arena, RtType, n + 1);
    l.field = ARENA_ARRAY(arena, RtField, f->types->field.len + 1);
    l.done = ARENA_ARRAY(arena, bool, n + 1);
    for (TypeId id = 0; id < n; id++) lay_out(&l, id);
    RtTypes *t = ARENA_NEW(arena, RtTypes);
    *t = (RtTypes){l.type, l.field, n};
    *fields = l.field;
    return t;
}
