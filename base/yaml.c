#include "base/yaml.h"

#include "base/json.h"

#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 200 };

typedef struct Level {
    bool map, key, some; /* in a mapping; a key comes next; something was written */
} Level;

static bool refuse(const yaml_event_t *e, const char *what, Buf *why) {
    buf_printf(why, "line %zu: %s", e->start_mark.line + 1, what);
    return false;
}

/* A plain scalar by the core schema. */
static void plain(Buf *out, Str s) {
    if (s.n == 0 || str_is(s, "~") || str_is(s, "null") || str_is(s, "Null") || str_is(s, "NULL")) {
        buf_z(out, "null");
    } else if (str_is(s, "true") || str_is(s, "True") || str_is(s, "TRUE")) {
        buf_z(out, "true");
    } else if (str_is(s, "false") || str_is(s, "False") || str_is(s, "FALSE")) {
        buf_z(out, "false");
    } else {
        JsonIn j = json_in(s);
        JsonKind k = json_next(&j);
        bool number = (k == JSON_INT || k == JSON_FLOAT) && json_end(&j);
        json_in_free(&j);
        if (number) buf_str(out, s);
        else json_string(out, s);
    }
}

static bool event(Buf *out, const yaml_event_t *e, Level *level, int *depth, Buf *why) {
    Level *l = &level[*depth];
    bool is_end = e->type == YAML_MAPPING_END_EVENT || e->type == YAML_SEQUENCE_END_EVENT;
    if (!is_end && *depth > 0) {
        if (l->some && (!l->map || l->key)) buf_addc(out, ',');
        if (l->map && !l->key) buf_addc(out, ':');
        if (l->map && l->key && e->type != YAML_SCALAR_EVENT) return refuse(e, "a key must be a plain text", why);
        l->some = true;
    }
    bool key = *depth > 0 && l->map && l->key;
    if (!is_end && l->map) l->key = !l->key;
    switch ((int)e->type) {
    case YAML_SCALAR_EVENT: {
        Str s = {(const char *)e->data.scalar.value, e->data.scalar.length};
        if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !key) plain(out, s);
        else json_string(out, s);
        return true;
    }
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT: {
        if (*depth == DEPTH_MAX) return refuse(e, "nested too deeply", why);
        bool map = e->type == YAML_MAPPING_START_EVENT;
        level[++*depth] = (Level){.map = map, .key = map};
        buf_addc(out, map ? '{' : '[');
        return true;
    }
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        buf_addc(out, l->map ? '}' : ']');
        --*depth;
        return true;
    case YAML_ALIAS_EVENT: return refuse(e, "aliases are not read", why);
    default: return true;
    }
}

bool yaml_to_json(Str text, Buf *out, Buf *why) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    Level level[DEPTH_MAX + 2] = {0};
    int depth = 0;
    bool ok = true, over = false;
    size_t start = out->n;
    while (ok && !over) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            buf_printf(why, "line %zu: %s", parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
            ok = false;
            break;
        }
        over = e.type == YAML_DOCUMENT_END_EVENT || e.type == YAML_STREAM_END_EVENT;
        if (!over) ok = event(out, &e, level, &depth, why);
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    if (ok && out->n == start) buf_z(out, "null");
    return ok;
}
