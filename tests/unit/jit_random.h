/* Random flow graphs that are well typed: a body of LETs, PICKs, EACHs and LOOPs over expressions of all operations and types, and
   fns. Many fail when they are computed, as they should. */
#ifndef WF_TESTS_UNIT_JIT_RANDOM_H
#define WF_TESTS_UNIT_JIT_RANDOM_H

#include "base/hash.h"
#include "compiler/ir/flow.h"
#include "tests/unit/test.h"

enum { /* the types in use */
    Y_BOOL, Y_INT, Y_FLOAT, Y_STRING, Y_DURATION, Y_SIZE, Y_TIME, Y_JSON, Y_ENUM, Y_REC, Y_STRUCT, Y_ENTRY, Y_GROUP,
    Y_OPT_INT, Y_OPT_STRING, Y_OPT_FLOAT, Y_OPT_REC, Y_OPT_STRUCT, Y_OPT_JSON,
    Y_INTS, Y_FLOATS, Y_STRINGS, Y_BOOLS, Y_DURATIONS, Y_SIZES, Y_RECS, Y_OPT_INTS, Y_MATRIX, Y_STRUCTS, Y_ENTRIES, Y_GROUPS,
    Y_INT_MAP, Y_REC_MAP, Y_COUNT,
    Y_SMALL = 64, /* an int from -6 to 6 */
    Y_NUMBER,     /* an index that is often there */
};

typedef struct RandomVar {
    Opnd o;
    TypeId type;
} RandomVar;

typedef struct Random {
    uint64_t seed;
    Atoms atoms;
    Sources sources;
    Types types;
    Flow f;
    TypeId y[Y_COUNT];
    VEC(RandomVar) scope;
    uint32_t next_local;
    int budget;         /* operations left in this expression */
    int loops;          /* around here */
    VEC(Opnd) fallback; /* by node: a value when its own fails */
    VEC(Opnd) given;    /* by input of region 1: its value */
} Random;

static inline uint32_t pick(Random *r, uint32_t n) { return (uint32_t)(test_random(&r->seed) % n); }
static inline bool chance(Random *r, uint32_t percent) { return pick(r, 100) < percent; }

static inline Opnd make(Random *r, FlowOp op, TypeId type, const Opnd *o, uint32_t n, uint32_t b) {
    return opnd(OPND_EXPR, flow_expr(&r->f, op, type, SPAN_NONE, o, (uint16_t)n, b));
}

/* ---- values without operations ---- */

static inline int64_t random_int(Random *r) {
    static const int64_t edge[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, 1LL << 62, -1, 0, 1, 3037000500, 1LL << 53};
    return chance(r, 12) ? edge[pick(r, sizeof edge / sizeof *edge)] : (int64_t)pick(r, 25) - 8;
}

static inline double random_float(Random *r) {
    static const double edge[] = {1e308, -1e308, 5e-324, 0.0, -0.0, 0.5, -1.5, 2.5, 9007199254740993.0, 1e19, 0.1};
    return chance(r, 25) ? edge[pick(r, sizeof edge / sizeof *edge)] : ((double)pick(r, 400) - 100) / 8;
}

static inline Opnd random_text(Random *r) {
    static const char *const text[] = {"", "a", "b", "ab", "héllo wörld", "12", "-7", "2.5", "x,y,,z", " trim me ", "0", "1e999", "[1,2]", "q\nw"};
    return flow_const_string(&r->f, T_STRING, str_of(text[pick(r, sizeof text / sizeof *text)]));
}

static inline Opnd random_json(Random *r) {
    static const char *const json[] = {"1", "-2.5", "\"s\"", "null", "true", "[]", "[1,2,3]", "[1,\"x\"]", "{\"a\":1,\"b\":\"two\"}",
        "{\"x\":1.5,\"y\":null,\"e\":\"red\"}", "{\"a\":9223372036854775807}", "[[1],[2,3]]", "{\"k\":{\"a\":0,\"b\":\"\"}}", "\"red\""};
    return flow_const_string(&r->f, T_JSON, str_of(json[pick(r, sizeof json / sizeof *json)]));
}

static inline Opnd leaf(Random *r, TypeId type);

static inline Opnd leaf_struct(Random *r, TypeId type) {
    uint32_t n;
    Opnd o[4];
    const TypeField *field = type_fields(&r->types, type, &n);
    for (uint32_t i = 0; i < n; i++) o[i] = leaf(r, field[i].type);
    return make(r, FLOW_RECORD, type, o, n, 0);
}

static inline Opnd leaf(Random *r, TypeId type) {
    Opnd o[8];
    uint32_t n;
    switch ((int)type_kind(&r->types, type)) {
    case TY_BOOL: return flow_const_bool(&r->f, chance(r, 50));
    case TY_INT: case TY_DURATION: case TY_SIZE: return flow_const_int(&r->f, type, random_int(r));
    case TY_TIME: return flow_const_int(&r->f, type, (int64_t)pick(r, 2000000000) * 1000);
    case TY_FLOAT: return flow_const_float(&r->f, random_float(r));
    case TY_STRING: return random_text(r);
    case TY_JSON: return random_json(r);
    case TY_ENUM: {
        FlowConst c = {.kind = CONST_ENUM, .type = type};
        c.i = pick(r, 3);
        vec_push(&r->f.constant, c);
        return opnd(OPND_CONST, r->f.constant.len - 1);
    }
    case TY_STRUCT: case TY_RECORD: return leaf_struct(r, type);
    case TY_OPT:
        if (chance(r, 40)) return flow_const_none(&r->f, type);
        o[0] = leaf(r, type_inner(&r->types, type));
        return make(r, FLOW_SOME, type, o, 1, 0);
    case TY_LIST:
        n = pick(r, 5);
        for (uint32_t i = 0; i < n; i++) o[i] = leaf(r, type_inner(&r->types, type));
        return make(r, FLOW_LIST, type, o, n, 0);
    case TY_MAP:
        n = pick(r, 4);
        for (uint32_t i = 0; i < n; i++) {
            o[2 * i] = random_text(r);
            o[2 * i + 1] = leaf(r, type_inner(&r->types, type));
        }
        return make(r, FLOW_MAP, type, o, 2 * n, 0);
    default: abort();
    }
}

/* ---- expressions ---- */

static inline Opnd gen(Random *r, TypeId type, int depth);

/* Something in scope of the type, or OPND_ABSENT. */
static inline Opnd in_scope(Random *r, TypeId type) {
    uint32_t n = r->scope.len, from = n > 0 ? pick(r, n) : 0;
    for (uint32_t i = 0; i < n; i++) {
        const RandomVar *v = &r->scope.data[(from + i) % n];
        if (v->type == type) return v->o;
    }
    return OPND_ABSENT;
}

static inline Opnd gen_arg(Random *r, uint32_t y, int depth) {
    if (y < Y_COUNT) return gen(r, r->y[y], depth);
    if (y == Y_NUMBER && chance(r, 40)) return gen(r, T_INT, depth);
    Opnd o[2] = {gen(r, T_INT, depth - 1), flow_const_int(&r->f, T_INT, y == Y_NUMBER ? 4 : chance(r, 50) ? 7 : -7)};
    return make(r, FLOW_MOD_I, T_INT, o, 2, 0);
}

static inline void declare(Random *r, Opnd o, TypeId type) { vec_push(&r->scope, ((RandomVar){o, type})); }
static inline Opnd local(uint32_t i) { return opnd(OPND_LOCAL, i); }

/* The type that has `type` as its inner one, or T_ERROR. */
static inline TypeId around(Random *r, TypeKind kind, TypeId type) {
    for (uint32_t i = 0; i < Y_COUNT; i++)
        if (type_kind(&r->types, r->y[i]) == kind && type_inner(&r->types, r->y[i]) == type) return r->y[i];
    return T_ERROR;
}

static inline TypeId any_list(Random *r) { return r->y[Y_INTS + pick(r, Y_GROUPS - Y_INTS + 1)]; }
static inline TypeId any_type(Random *r) { return r->y[pick(r, Y_COUNT)]; }
static inline TypeId any_key(Random *r) {
    static const uint8_t key[] = {Y_INT, Y_FLOAT, Y_STRING, Y_DURATION, Y_TIME, Y_INT};
    return r->y[key[pick(r, sizeof key)]];
}

/* A body with index and item in scope. */
static inline Opnd loop_body(Random *r, uint32_t b, TypeId item, TypeId type, int depth) {
    uint32_t mark = r->scope.len;
    declare(r, local(b), T_INT);
    declare(r, local(b + 1), item);
    r->loops++;
    Opnd o = gen(r, type, depth);
    r->loops--;
    r->scope.len = mark;
    return o;
}

static inline uint32_t locals(Random *r, uint32_t n) {
    uint32_t b = r->next_local;
    r->next_local += n;
    return b;
}

static inline Opnd gen_for(Random *r, TypeId type, int depth);

/* A list to go through: often one that need not be made. */
static inline Opnd source(Random *r, TypeId list, int depth) {
    if (depth > 0 && r->loops < 2 && chance(r, 50)) return gen_for(r, list, depth);
    if (list == r->y[Y_INTS] && chance(r, 25)) {
        Opnd o = gen_arg(r, Y_SMALL, depth - 1);
        return make(r, FLOW_LIB, list, &o, 1, LIB_RANGE);
    }
    return gen(r, list, depth);
}

static inline Opnd gen_for(Random *r, TypeId type, int depth) {
    TypeId list = any_list(r), second = any_list(r), item = type_inner(&r->types, list);
    uint32_t b = locals(r, 3), mark = r->scope.len;
    Opnd o[4] = {source(r, list, depth - 1), OPND_ABSENT, OPND_ABSENT, OPND_ABSENT};
    if (chance(r, 15)) {
        o[1] = chance(r, 50) ? o[0] : source(r, second, depth - 1);
        if (o[1] == o[0]) second = list;
        declare(r, local(b + 2), type_inner(&r->types, second));
    }
    if (chance(r, 45)) o[2] = loop_body(r, b, item, T_BOOL, depth - 1);
    o[3] = item == type_inner(&r->types, type) && chance(r, 20) ? local(b + 1) : loop_body(r, b, item, type_inner(&r->types, type), depth - 1);
    r->scope.len = mark;
    return make(r, FLOW_FOR, type, o, 4, b);
}

/* Keeps what grows in a loop small. */
static inline Opnd bounded(Random *r, TypeId type, Opnd o) {
    Opnd three[3] = {o, flow_const_int(&r->f, T_INT, 0), flow_const_int(&r->f, T_INT, 9)};
    if (type == T_STRING) return make(r, FLOW_LIB, type, three, 3, LIB_SLICE_STRING);
    three[1] = flow_const_int(&r->f, T_INT, 4);
    return type_kind(&r->types, type) == TY_LIST ? make(r, FLOW_LIB, type, three, 2, LIB_TAKE) : o;
}

static inline Opnd gen_state_loop(Random *r, TypeId type, int depth) {
    uint32_t b = locals(r, 3), mark = r->scope.len;
    TypeKind k = type_kind(&r->types, type);
    if (k == TY_MAP || k == TY_JSON || k == TY_RECORD || k == TY_STRUCT || k == TY_OPT) return OPND_ABSENT;
    if (k == TY_LIST && type_kind(&r->types, type_inner(&r->types, type)) >= TY_STRUCT) return OPND_ABSENT;
    if (chance(r, 60)) {
        TypeId list = any_list(r);
        Opnd o[3] = {source(r, list, depth - 1), gen(r, type, depth - 1), OPND_ABSENT};
        declare(r, local(b + 2), type);
        o[2] = bounded(r, type, loop_body(r, b, type_inner(&r->types, list), type, depth - 1));
        r->scope.len = mark;
        return make(r, FLOW_FOLD, type, o, 3, b);
    }
    Opnd o[4] = {gen(r, type, depth - 1), gen_arg(r, Y_SMALL, depth - 1), OPND_ABSENT, OPND_ABSENT};
    declare(r, local(b), type);
    r->loops++;
    o[2] = gen(r, T_BOOL, depth - 1);
    o[3] = bounded(r, type, gen(r, type, depth - 1));
    r->loops--;
    r->scope.len = mark;
    return make(r, FLOW_REPEAT, type, o, 4, b);
}

static inline Opnd gen_field(Random *r, TypeId type, int depth) {
    static const uint8_t owner[] = {Y_REC, Y_STRUCT, Y_ENTRY, Y_GROUP};
    for (uint32_t i = 0, from = pick(r, 4); i < 4; i++) {
        TypeId t = r->y[owner[(from + i) % 4]];
        uint32_t n, start;
        const TypeField *field = type_fields(&r->types, t, &n);
        start = pick(r, n);
        for (uint32_t k = 0; k < n; k++) {
            if (field[(start + k) % n].type != type) continue;
            Opnd o = gen(r, t, depth - 1);
            return make(r, FLOW_FIELD, type, &o, 1, (start + k) % n);
        }
    }
    return OPND_ABSENT;
}

static inline Opnd gen_call(Random *r, TypeId type, int depth) {
    for (uint32_t i = 0, n = r->f.fn.len, from = n > 0 ? pick(r, n) : 0; i < n; i++) {
        uint32_t index = (from + i) % n;
        FlowFn fn = r->f.fn.data[index];
        Opnd o[4];
        if (fn.result != type || fn.body == OPND_ABSENT) continue;
        for (uint32_t k = 0; k < fn.nparam; k++) o[k] = gen(r, r->f.param.data[fn.param + k].type, depth - 1);
        return make(r, FLOW_CALL, type, o, fn.nparam, index);
    }
    return OPND_ABSENT;
}

/* From a list of elements of the type. */
static inline Opnd gen_element(Random *r, TypeId type, int depth) {
    TypeId list = around(r, TY_LIST, type), map = around(r, TY_MAP, type);
    uint32_t b = locals(r, 3);
    Opnd o[2];
    if (map != T_ERROR && chance(r, 25)) {
        o[0] = gen(r, map, depth - 1);
        o[1] = gen(r, T_STRING, depth - 1);
        return make(r, FLOW_INDEX, type, o, 2, 0);
    }
    if (list == T_ERROR) return OPND_ABSENT;
    o[0] = source(r, list, depth - 1);
    switch (pick(r, 4)) {
    case 0: return make(r, FLOW_LIB, type, o, 1, chance(r, 50) ? LIB_FIRST : LIB_LAST);
    case 1:
        o[1] = gen_arg(r, Y_NUMBER, depth - 1);
        return make(r, FLOW_INDEX, type, o, 2, 0);
    default:
        o[1] = loop_body(r, b, type, any_key(r), depth - 1);
        return make(r, chance(r, 50) ? FLOW_MIN_BY : FLOW_MAX_BY, type, o, 2, b);
    }
}

static inline Opnd gen_optional(Random *r, TypeId type, int depth) {
    TypeId inner = type_inner(&r->types, type), list = around(r, TY_LIST, inner), map = around(r, TY_MAP, inner);
    uint32_t b = locals(r, 3);
    Opnd o[2];
    if (list != T_ERROR && chance(r, 60)) {
        o[0] = source(r, list, depth - 1);
        if (chance(r, 50)) {
            o[1] = gen_arg(r, Y_NUMBER, depth - 1);
            return make(r, FLOW_LIB, type, o, 2, LIB_GET_LIST);
        }
        o[1] = loop_body(r, b, inner, T_BOOL, depth - 1);
        return make(r, FLOW_FIND, type, o, 2, b);
    }
    if (map != T_ERROR) {
        o[0] = gen(r, map, depth - 1);
        o[1] = gen(r, T_STRING, depth - 1);
        return make(r, FLOW_LIB, type, o, 2, LIB_GET_MAP);
    }
    o[0] = gen(r, inner, depth - 1);
    return make(r, FLOW_SOME, type, o, 1, 0);
}

/* What any type can come from. */
static inline Opnd gen_generic(Random *r, TypeId type, int depth) {
    Opnd o[3];
    TypeId t;
    uint32_t b, mark = r->scope.len;
    switch (pick(r, 10)) {
    case 0:
        for (uint32_t i = 0; i < 3; i++) o[i] = gen(r, i == 0 ? T_BOOL : type, depth - 1);
        return make(r, FLOW_IF, type, o, 3, 0);
    case 1:
        b = locals(r, 1);
        t = any_type(r);
        o[0] = gen(r, t, depth - 1);
        declare(r, local(b), t);
        o[1] = gen(r, type, depth - 1);
        r->scope.len = mark;
        return make(r, FLOW_LET, type, o, 2, b);
    case 2:
        t = around(r, TY_OPT, type);
        if (type_kind(&r->types, type) == TY_OPT) t = type;
        if (t == T_ERROR) return OPND_ABSENT;
        o[0] = gen(r, t, depth - 1);
        o[1] = gen(r, type, depth - 1);
        return make(r, FLOW_COALESCE, type, o, 2, 0);
    case 3: return gen_field(r, type, depth);
    case 4: return gen_state_loop(r, type, depth);
    case 5: return gen_call(r, type, depth);
    case 6:
        t = around(r, TY_OPT, type);
        if (t == T_ERROR) return OPND_ABSENT;
        o[0] = gen(r, type, depth - 1);
        o[0] = make(r, FLOW_SOME, t, o, 1, 0);
        return make(r, FLOW_UNWRAP, type, o, 1, 0);
    case 7:
        if (type_has(&r->types, type, TYF_FILE) || type == r->y[Y_GROUP] || type == r->y[Y_GROUPS]) return OPND_ABSENT;
        o[0] = chance(r, 50) ? random_json(r) : gen(r, T_JSON, depth - 1);
        return make(r, FLOW_DECODE, type, o, 1, 0);
    default: return gen_element(r, type, depth);
    }
}

/* ---- operations of certain types ---- */

typedef struct RandomRow {
    uint8_t op;
    uint8_t lib;
    uint8_t result;
    uint8_t n;
    uint8_t arg[3];
} RandomRow;

static const RandomRow random_rows[] = {
#define I2(op) {FLOW_##op, 0, Y_INT, 2, {Y_INT, Y_INT}}, {FLOW_##op, 0, Y_INT, 2, {Y_INT, Y_SMALL}}
    {FLOW_FLOORDIV_I, 0, Y_INT, 2, {Y_INT, Y_SMALL}}, {FLOW_FLOORDIV_I, 0, Y_INT, 2, {Y_INT, Y_SMALL}}, I2(ADD_I), I2(SUB_I), I2(MUL_I), I2(FLOORDIV_I), I2(MOD_I), {FLOW_NEG_I, 0, Y_INT, 1, {Y_INT}},
    {FLOW_ADD_I, 0, Y_DURATION, 2, {Y_DURATION, Y_DURATION}}, {FLOW_MUL_I, 0, Y_SIZE, 2, {Y_SIZE, Y_INT}}, {FLOW_SUB_I, 0, Y_DURATION, 2, {Y_TIME, Y_TIME}},
    {FLOW_ADD_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}}, {FLOW_SUB_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}}, {FLOW_MUL_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}},
    {FLOW_DIV_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}}, {FLOW_FLOORDIV_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}}, {FLOW_MOD_F, 0, Y_FLOAT, 2, {Y_FLOAT, Y_FLOAT}},
    {FLOW_NEG_F, 0, Y_FLOAT, 1, {Y_FLOAT}}, {FLOW_DIV_II, 0, Y_FLOAT, 2, {Y_INT, Y_INT}}, {FLOW_INT_TO_FLOAT, 0, Y_FLOAT, 1, {Y_INT}},
    {FLOW_SCALE, 0, Y_DURATION, 2, {Y_DURATION, Y_FLOAT}}, {FLOW_UNSCALE, 0, Y_SIZE, 2, {Y_SIZE, Y_FLOAT}},
    {FLOW_NOT, 0, Y_BOOL, 1, {Y_BOOL}}, {FLOW_AND, 0, Y_BOOL, 2, {Y_BOOL, Y_BOOL}}, {FLOW_OR, 0, Y_BOOL, 2, {Y_BOOL, Y_BOOL}},
    {FLOW_IS_NONE, 0, Y_BOOL, 1, {Y_OPT_INT}}, {FLOW_IS_NONE, 0, Y_BOOL, 1, {Y_OPT_STRING}}, {FLOW_IS_NONE, 0, Y_BOOL, 1, {Y_OPT_REC}},
    {FLOW_TEXT, 0, Y_STRING, 1, {Y_INT}}, {FLOW_TEXT, 0, Y_STRING, 1, {Y_FLOAT}}, {FLOW_TEXT, 0, Y_STRING, 1, {Y_DURATION}},
    {FLOW_TEXT, 0, Y_STRING, 1, {Y_BOOL}}, {FLOW_TEXT, 0, Y_STRING, 1, {Y_ENUM}}, {FLOW_TEXT, 0, Y_STRING, 1, {Y_OPT_INT}},
    {FLOW_TEXT, 0, Y_STRING, 1, {Y_TIME}}, {FLOW_CONCAT, 0, Y_STRING, 2, {Y_STRING, Y_STRING}}, {FLOW_CONCAT, 0, Y_STRING, 3, {Y_STRING, Y_STRING, Y_STRING}},
    {FLOW_ENCODE, 0, Y_JSON, 1, {Y_INT}}, {FLOW_ENCODE, 0, Y_JSON, 1, {Y_STRUCT}}, {FLOW_ENCODE, 0, Y_JSON, 1, {Y_RECS}}, {FLOW_ENCODE, 0, Y_JSON, 1, {Y_REC_MAP}},
    {FLOW_CAST, 0, Y_INT, 1, {Y_INT}}, {FLOW_CAST, 0, Y_RECS, 1, {Y_RECS}},
#undef I2
#define L(lib, result, n, ...) {FLOW_LIB, LIB_##lib, result, n, {__VA_ARGS__}}
    L(LEN_LIST, Y_INT, 1, Y_INTS), L(LEN_LIST, Y_INT, 1, Y_RECS), L(LEN_LIST, Y_INT, 1, Y_STRINGS), L(LEN_MAP, Y_INT, 1, Y_INT_MAP), L(LEN_STRING, Y_INT, 1, Y_STRING),
    L(SUM_INT, Y_INT, 1, Y_INTS), L(SUM_INT, Y_INT, 1, Y_INTS), L(SUM_FLOAT, Y_FLOAT, 1, Y_FLOATS), L(SUM_FLOAT, Y_FLOAT, 1, Y_FLOATS), L(SUM_DURATION, Y_DURATION, 1, Y_DURATIONS),
    L(SUM_SIZE, Y_SIZE, 1, Y_SIZES), L(MEAN_INT, Y_FLOAT, 1, Y_INTS), L(MEAN_FLOAT, Y_FLOAT, 1, Y_FLOATS), L(STD, Y_FLOAT, 1, Y_FLOATS),
    L(MIN_LIST, Y_INT, 1, Y_INTS), L(MAX_LIST, Y_FLOAT, 1, Y_FLOATS), L(MIN_LIST, Y_STRING, 1, Y_STRINGS), L(MAX_LIST, Y_DURATION, 1, Y_DURATIONS),
    L(MIN, Y_INT, 2, Y_INT, Y_INT), L(MAX, Y_FLOAT, 2, Y_FLOAT, Y_FLOAT), L(MAX, Y_STRING, 2, Y_STRING, Y_STRING), L(SORT, Y_INTS, 2, Y_INTS, Y_BOOL),
    L(SORT, Y_STRINGS, 2, Y_STRINGS, Y_BOOL), L(UNIQUE, Y_INTS, 1, Y_INTS), L(UNIQUE, Y_RECS, 1, Y_RECS), L(REVERSE, Y_FLOATS, 1, Y_FLOATS), L(TAKE, Y_INTS, 2, Y_INTS, Y_SMALL),
    L(DROP, Y_RECS, 2, Y_RECS, Y_SMALL), L(SLICE_LIST, Y_STRINGS, 3, Y_STRINGS, Y_INT, Y_INT), L(CONCAT, Y_INTS, 2, Y_INTS, Y_INTS), L(FLATTEN, Y_INTS, 1, Y_MATRIX),
    L(COMPACT, Y_INTS, 1, Y_OPT_INTS), L(RANGE, Y_INTS, 1, Y_SMALL), L(RANGE_FROM, Y_INTS, 2, Y_SMALL, Y_SMALL), L(RANGE_STEP, Y_INTS, 3, Y_SMALL, Y_SMALL, Y_SMALL),
    L(CHUNK, Y_MATRIX, 2, Y_INTS, Y_SMALL), L(ZIP, Y_RECS, 2, Y_INTS, Y_STRINGS), L(CONTAINS_LIST, Y_BOOL, 2, Y_INTS, Y_INT), L(CONTAINS_LIST, Y_BOOL, 2, Y_STRINGS, Y_STRING),
    L(CONTAINS_LIST, Y_BOOL, 2, Y_RECS, Y_REC), L(CONTAINS_STRING, Y_BOOL, 2, Y_STRING, Y_STRING), L(GET_LIST, Y_OPT_INT, 2, Y_OPT_INTS, Y_NUMBER), L(GET_JSON, Y_OPT_JSON, 2, Y_JSON, Y_STRING),
    L(HAS, Y_BOOL, 2, Y_INT_MAP, Y_STRING), L(KEYS, Y_STRINGS, 1, Y_REC_MAP), L(VALUES, Y_RECS, 1, Y_REC_MAP), L(ENTRIES, Y_ENTRIES, 1, Y_INT_MAP), L(TO_MAP, Y_INT_MAP, 1, Y_ENTRIES),
    L(MERGE, Y_REC_MAP, 2, Y_REC_MAP, Y_REC_MAP), L(SPLIT, Y_STRINGS, 2, Y_STRING, Y_STRING), L(LINES, Y_STRINGS, 1, Y_STRING), L(JOIN, Y_STRING, 2, Y_STRINGS, Y_STRING),
    L(LOWER, Y_STRING, 1, Y_STRING), L(UPPER, Y_STRING, 1, Y_STRING), L(TRIM, Y_STRING, 1, Y_STRING), L(STARTS_WITH, Y_BOOL, 2, Y_STRING, Y_STRING),
    L(REPLACE, Y_STRING, 3, Y_STRING, Y_STRING, Y_STRING), L(SLICE_STRING, Y_STRING, 3, Y_STRING, Y_SMALL, Y_INT), L(REPEAT_STRING, Y_STRING, 2, Y_STRING, Y_SMALL),
    L(ABS_INT, Y_INT, 1, Y_INT), L(ABS_FLOAT, Y_FLOAT, 1, Y_FLOAT), L(ABS_DURATION, Y_DURATION, 1, Y_DURATION), L(ROUND, Y_INT, 1, Y_FLOAT), L(ROUND_TO, Y_FLOAT, 2, Y_FLOAT, Y_SMALL),
    L(FLOOR, Y_INT, 1, Y_FLOAT), L(CEIL, Y_INT, 1, Y_FLOAT), L(SQRT, Y_FLOAT, 1, Y_FLOAT), L(LOG, Y_FLOAT, 1, Y_FLOAT), L(EXP, Y_FLOAT, 1, Y_FLOAT), L(POW, Y_FLOAT, 2, Y_FLOAT, Y_FLOAT),
    L(CLAMP, Y_INT, 3, Y_INT, Y_INT, Y_INT), L(CLAMP, Y_STRING, 3, Y_STRING, Y_STRING, Y_STRING), L(INT_OF_FLOAT, Y_INT, 1, Y_FLOAT), L(INT_OF_STRING, Y_INT, 1, Y_STRING),
    L(FLOAT_OF_STRING, Y_FLOAT, 1, Y_STRING), L(FORMAT, Y_STRING, 2, Y_FLOAT, Y_SMALL), L(SECONDS, Y_FLOAT, 1, Y_DURATION), L(BYTES, Y_INT, 1, Y_SIZE), L(WEEKDAY, Y_INT, 1, Y_TIME),
    L(PARSE_JSON, Y_JSON, 1, Y_STRING), L(JSON_KEY, Y_JSON, 2, Y_JSON, Y_STRING), L(JSON_AT, Y_JSON, 2, Y_JSON, Y_NUMBER), L(JSON_KEY_OPT, Y_OPT_JSON, 2, Y_JSON, Y_STRING),
#undef L
};

static inline Opnd gen_row(Random *r, TypeId type, int depth) {
    uint32_t n = sizeof random_rows / sizeof *random_rows, from = pick(r, n);
    for (uint32_t i = 0; i < n; i++) {
        const RandomRow *row = &random_rows[(from + i) % n];
        Opnd o[3];
        if (r->y[row->result] != type) continue;
        for (uint32_t k = 0; k < row->n; k++) {
            bool list = row->arg[k] >= Y_INTS && row->arg[k] <= Y_GROUPS;
            o[k] = list ? source(r, r->y[row->arg[k]], depth - 1) : gen_arg(r, row->arg[k], depth - 1);
        }
        return make(r, (FlowOp)row->op, type, o, row->n, row->lib);
    }
    return OPND_ABSENT;
}

static inline Opnd gen_bool(Random *r, int depth) {
    uint32_t b = locals(r, 3);
    if (chance(r, 40)) {
        TypeId list = any_list(r);
        Opnd o[2] = {source(r, list, depth - 1), OPND_ABSENT};
        o[1] = loop_body(r, b, type_inner(&r->types, list), T_BOOL, depth - 1);
        return make(r, chance(r, 50) ? FLOW_ANY : FLOW_ALL, T_BOOL, o, 2, b);
    }
    if (chance(r, 30)) return gen_row(r, T_BOOL, depth);
    bool order = chance(r, 60);
    TypeId t = order ? any_key(r) : any_type(r);
    Opnd o[2] = {gen(r, t, depth - 1), gen(r, t, depth - 1)};
    Opnd e = make(r, FLOW_CMP, T_BOOL, o, 2, 0);
    r->f.expr.data[opnd_index(e)].cmp = (uint8_t)(order ? pick(r, 6) : pick(r, 2));
    return e;
}

static inline Opnd gen_list(Random *r, TypeId type, int depth) {
    uint32_t b = locals(r, 3);
    Opnd o[4];
    if (type == r->y[Y_GROUPS]) {
        o[0] = source(r, r->y[Y_INTS], depth - 1);
        o[1] = loop_body(r, b, T_INT, T_STRING, depth - 1);
        return make(r, FLOW_GROUP_BY, type, o, 2, b);
    }
    if (chance(r, 15)) {
        o[0] = source(r, type, depth - 1);
        o[1] = gen(r, T_BOOL, depth - 2);
        o[2] = loop_body(r, b, type_inner(&r->types, type), any_key(r), depth - 1);
        return make(r, FLOW_SORT_BY, type, o, 3, b);
    }
    if (chance(r, 15)) {
        uint32_t n = pick(r, 4);
        for (uint32_t i = 0; i < n; i++) o[i] = gen(r, type_inner(&r->types, type), depth - 1);
        return make(r, FLOW_LIST, type, o, n, 0);
    }
    if (chance(r, 25)) {
        Opnd row = gen_row(r, type, depth);
        if (row != OPND_ABSENT) return row;
    }
    return gen_for(r, type, depth);
}

static inline Opnd gen_specific(Random *r, TypeId type, int depth) {
    uint32_t n;
    Opnd o[8];
    switch ((int)type_kind(&r->types, type)) {
    case TY_BOOL: return gen_bool(r, depth);
    case TY_STRUCT:
    case TY_RECORD: {
        const TypeField *field = type_fields(&r->types, type, &n);
        for (uint32_t i = 0; i < n; i++) o[i] = gen(r, field[i].type, depth - 1);
        return make(r, FLOW_RECORD, type, o, n, 0);
    }
    case TY_OPT: return chance(r, 25) ? gen_row(r, type, depth) : gen_optional(r, type, depth);
    case TY_LIST: return gen_list(r, type, depth);
    case TY_MAP:
        if (chance(r, 40)) return gen_row(r, type, depth);
        n = pick(r, 4);
        for (uint32_t i = 0; i < 2 * n; i++) o[i] = gen(r, i % 2 == 0 ? T_STRING : type_inner(&r->types, type), depth - 1);
        return make(r, FLOW_MAP, type, o, 2 * n, 0);
    default: return gen_row(r, type, depth);
    }
}

static inline Opnd gen(Random *r, TypeId type, int depth) {
    if (depth > 0 && r->budget > 0 && chance(r, 85)) {
        r->budget--;
        if (r->loops > 2) depth = depth < 2 ? depth : 2;
        Opnd o = chance(r, 35) ? gen_generic(r, type, depth) : gen_specific(r, type, depth);
        if (o != OPND_ABSENT) return o;
    }
    if (type == T_STRING && chance(r, 4)) return opnd(OPND_FACT, FACT_RUN_ID);
    Opnd o = chance(r, 75) ? in_scope(r, type) : OPND_ABSENT;
    return o != OPND_ABSENT ? o : leaf(r, type);
}

/* ---- graphs ---- */

static inline void random_types(Random *r) {
    Types *t = &r->types;
    Atom a = atom_z(&r->atoms, "a"), b = atom_z(&r->atoms, "b"), key = atom_z(&r->atoms, "key"), value = atom_z(&r->atoms, "value");
    TypeField member[3] = {{.name = atom_z(&r->atoms, "red")}, {.name = atom_z(&r->atoms, "green")}, {.name = atom_z(&r->atoms, "blue")}};
    TypeId *y = r->y;
    for (uint32_t i = Y_BOOL; i <= Y_JSON; i++) y[i] = T_BOOL + i;
    y[Y_ENUM] = type_nominal(t, TY_ENUM, atom_z(&r->atoms, "Color"), 0, SPAN_NONE, 0);
    type_def_fields(t, y[Y_ENUM], member, 3);
    y[Y_REC] = type_record(t, (TypeField[]){{a, T_INT, 0}, {b, T_STRING, 0}}, 2);
    y[Y_OPT_INT] = type_opt(t, T_INT);
    y[Y_STRUCT] = type_nominal(t, TY_STRUCT, atom_z(&r->atoms, "Point"), 0, SPAN_NONE, 0);
    type_def_fields(t, y[Y_STRUCT], (TypeField[]){{atom_z(&r->atoms, "x"), T_FLOAT, 0}, {atom_z(&r->atoms, "y"), y[Y_OPT_INT], 0}, {atom_z(&r->atoms, "e"), y[Y_ENUM], 0}}, 3);
    y[Y_ENTRY] = type_record(t, (TypeField[]){{key, T_STRING, 0}, {value, T_INT, 0}}, 2);
    y[Y_INTS] = type_list(t, T_INT);
    y[Y_GROUP] = type_record(t, (TypeField[]){{atom_z(&r->atoms, "items"), y[Y_INTS], 0}, {key, T_STRING, 0}}, 2);
    y[Y_OPT_STRING] = type_opt(t, T_STRING);
    y[Y_OPT_FLOAT] = type_opt(t, T_FLOAT);
    y[Y_OPT_REC] = type_opt(t, y[Y_REC]);
    y[Y_OPT_STRUCT] = type_opt(t, y[Y_STRUCT]);
    y[Y_OPT_JSON] = type_opt(t, T_JSON);
    static const uint8_t element[] = {Y_INT, Y_FLOAT, Y_STRING, Y_BOOL, Y_DURATION, Y_SIZE, Y_REC, Y_OPT_INT, Y_INTS, Y_STRUCT, Y_ENTRY, Y_GROUP};
    for (uint32_t i = 0; i < sizeof element; i++) y[Y_INTS + i] = type_list(t, y[element[i]]);
    y[Y_INT_MAP] = type_map(t, T_INT);
    y[Y_REC_MAP] = type_map(t, y[Y_REC]);
    types_seal(t);
}

static inline Opnd random_expr(Random *r, TypeId type) {
    r->budget = 40;
    r->loops = 0;
    return gen(r, type, 5);
}

static inline void random_fns(Random *r) {
    for (uint32_t i = 0; i < 10; i++) {
        FlowFn fn = {.name = atom_z(&r->atoms, "f"), .param = r->f.param.len, .nparam = pick(r, 4), .result = any_type(r)};
        for (uint32_t k = 0; k < fn.nparam; k++) {
            TypeId type = any_type(r);
            vec_push(&r->f.param, ((FlowParam){.name = atom_z(&r->atoms, "p"), .type = type}));
            declare(r, opnd(OPND_INPUT, k), type);
        }
        fn.body = random_expr(r, fn.result);
        r->scope.len = 0;
        vec_push(&r->f.fn, fn);
    }
}

static inline void add_input(Random *r, TypeId type, Opnd from) {
    vec_push(&r->f.input, ((FlowInput){.name = atom_z(&r->atoms, "i"), .type = type, .from = from}));
}

static inline void add_node(Random *r, FlowNodeKind kind, TypeId type, const Opnd *o, uint16_t n) {
    char name[16];
    snprintf(name, sizeof name, "n%u", r->f.node.len);
    vec_push(&r->f.node, ((FlowNode){.kind = (uint8_t)kind, .nargs = n, .name = atom_z(&r->atoms, name), .type = type, .arg = r->f.opnd.len}));
    vec_push(&r->f.node_span, SPAN_NONE);
    vec_append(&r->f.opnd, o, n);
    vec_push(&r->fallback, type != T_NOTHING ? leaf(r, type) : OPND_ABSENT);
}

/* The child of an EACH or LOOP: its own inputs, some captures of the body, and a guard over them. */
static inline void random_child(Random *r, NodeId node, RegionKind kind, const TypeId *own, uint32_t nown) {
    FlowRegion region = {.kind = kind, .owner = node, .parent = 1, .first = r->f.node.len, .input = r->f.input.len};
    VEC(RandomVar) outer = {0};
    vec_append(&outer, r->scope.data, r->scope.len);
    r->scope.len = 0;
    for (uint32_t i = 0; i < nown; i++) {
        add_input(r, own[i], OPND_ABSENT);
        declare(r, opnd(OPND_INPUT, i), own[i]);
    }
    for (uint32_t i = 0, n = outer.len < 3 ? outer.len : 3; i < n; i++) {
        RandomVar v = outer.data[pick(r, outer.len)];
        add_input(r, v.type, v.o);
        declare(r, opnd(OPND_INPUT, nown + i), v.type);
    }
    region.ninput = r->f.input.len - region.input;
    region.guard = random_expr(r, T_BOOL);
    r->scope.len = 0;
    vec_append(&r->scope, outer.data, outer.len);
    vec_free(&outer);
    r->f.node.data[node].region = r->f.region.len;
    r->f.node.data[node].nregions = 1;
    vec_push(&r->f.region, region);
}

static inline void random_driver(Random *r) {
    Opnd o[2];
    TypeId own[3] = {T_INT}, list;
    uint32_t n = 2;
    switch (pick(r, 3)) {
    case 0:
        o[0] = random_expr(r, T_INT);
        add_node(r, NODE_PICK, T_NOTHING, o, 1);
        return;
    case 1:
        list = any_list(r);
        o[0] = random_expr(r, list);
        own[1] = type_inner(&r->types, list);
        o[1] = OPND_ABSENT;
        if (chance(r, 40)) {
            list = any_list(r);
            o[1] = random_expr(r, list);
            own[n++] = type_inner(&r->types, list);
        }
        add_node(r, NODE_EACH, T_NOTHING, o, (uint16_t)(n - 1));
        random_child(r, r->f.node.len - 1, REGION_ITEM, own, n);
        return;
    default:
        own[0] = any_type(r);
        o[0] = random_expr(r, own[0]);
        o[1] = random_expr(r, T_INT);
        add_node(r, NODE_LOOP, T_NOTHING, o, 2);
        random_child(r, r->f.node.len - 1, REGION_PASS, own, 1);
    }
}

/* Region 1 is the body. */
static inline void random_flow(Random *r, uint64_t seed, uint32_t nodes) {
    *r = (Random){.seed = seed};
    atoms_init(&r->atoms);
    sources_init(&r->sources);
    types_init(&r->types, &r->atoms);
    flow_init(&r->f, &r->atoms, &r->types, &r->sources);
    random_types(r);
    random_fns(r);
    vec_push(&r->f.region, ((FlowRegion){.kind = REGION_BODY, .ninput = 8}));
    for (uint32_t i = 0; i < 8; i++) {
        TypeId type = any_type(r);
        add_input(r, type, OPND_ABSENT);
        vec_push(&r->given, leaf(r, type));
        declare(r, opnd(OPND_INPUT, i), type);
    }
    for (uint32_t i = 0; i < nodes; i++) {
        if (chance(r, 15)) {
            random_driver(r);
            continue;
        }
        TypeId type = any_type(r);
        Opnd o = random_expr(r, type);
        add_node(r, NODE_LET, type, &o, 1);
        declare(r, opnd(OPND_NODE, r->f.node.len - 1), type);
    }
    r->f.region.data[1].n = r->f.node.len;
    for (RegionId i = 2; i < r->f.region.len; i++) r->f.region.data[i].first = r->f.node.len;
    flow_index_edges(&r->f);
}

static inline void random_free(Random *r) {
    flow_free(&r->f);
    types_free(&r->types);
    sources_free(&r->sources);
    atoms_free(&r->atoms);
    vec_free(&r->scope);
    vec_free(&r->fallback);
    vec_free(&r->given);
}

#endif
