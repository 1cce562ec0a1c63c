/* Writing states. */
#include "compiler/backend/stepfunctions/asl.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_NAME = 80 };

const char *asl_name(const Asl *a, const char *base, const char *what) {
    Arena *arena = (Arena *)&a->arena;
    const char *name = what == NULL ? base : arena_printf(arena, "%s: %s", base, what);
    size_t n = strlen(name);
    if (n <= MAX_NAME) return name;
    return arena_printf(arena, "%.60s~%016" PRIx64, name, hash_bytes(name, n));
}

const char *asl_node_name(const Asl *a, const Scope *s, NodeId n) {
    return arena_printf((Arena *)&a->arena, "%s%s", s->name, atom_cstr(a->flow->atoms, a->flow->node.data[n].name));
}

const char *asl_node_key(const Asl *a, const Scope *s, NodeId n) {
    return arena_printf((Arena *)&a->arena, "%s%s", s->key, atom_cstr(a->flow->atoms, a->flow->node.data[n].name));
}

void asl_key(Asl *a, const char *key) { vec_push(a->level.keys, key); }

void asl_mark(Asl *a, Span span) { vec_push(&a->mark, ((Mark){a->json.n, span})); }

JsonOut asl_state(Asl *a, const char *name, const char *type) {
    json_key(&a->level.states, name);
    JsonOut j = json_open(&a->json, '{');
    asl_put(a, &j, "Type", type);
    return j;
}

void asl_put(Asl *a, JsonOut *j, const char *key, const char *value) {
    json_key(j, key);
    json_z(&a->json, value);
}

void asl_path_field(Asl *a, JsonOut *j, const char *key, const char *value) {
    asl_put(a, j, arena_printf(&a->arena, "%s.$", key), value);
}

void asl_format(Asl *a, JsonOut *j, const char *key, const char *format, const char *const *path, int n) {
    if (n == 0) {
        asl_put(a, j, key, format);
        return;
    }
    Buf text = BUF_INIT;
    buf_printf(&text, "States.Format('%s'", format);
    for (int i = 0; i < n; i++) buf_printf(&text, ", %s", path[i]);
    buf_addc(&text, ')');
    asl_path_field(a, j, key, buf_cstr(&text));
    buf_free(&text);
}

const char *asl_path_format(Asl *a, const Scope *s, const char *node) {
    const char *rest = arena_printf(&a->arena, "%s%s", s->tail, node);
    size_t n = strlen(rest);
    if (node[0] == '\0' && n > 0) n--; /* the block itself: without the dot behind it */
    return arena_printf(&a->arena, "%s%s%.*s", s->at != NULL ? "{}" : "", s->at != NULL && n > 0 ? "." : "", (int)n, rest);
}

void asl_node_path(Asl *a, const Scope *s, JsonOut *j, const char *key, const char *node) {
    asl_format(a, j, key, asl_path_format(a, s, node), &s->at, s->at != NULL ? 1 : 0);
}

void asl_setting(Asl *a, JsonOut *j, const char *key, const char *setting) {
    Str value;
    json_key(j, key);
    if (target_string(a->cx, setting, &value)) {
        asl_string(&a->json, value);
    } else {
        buf_printf(&a->json, "\"${%s}\"", setting);
    }
}

const char *asl_fail(Asl *a) {
    a->exit->used = true;
    return a->exit->state;
}

/* --- functions --- */

static void put_errors(Asl *a, JsonOut *j, const char *const *errors, int n) {
    json_key(j, "ErrorEquals");
    JsonOut names = json_open(&a->json, '[');
    for (int i = 0; i < n; i++) {
        json_item(&names);
        json_z(&a->json, errors[i]);
    }
    json_close(&names);
}

static void put_retry(Asl *a, JsonOut *j, const char *const *errors, int n) {
    json_key(j, "Retry");
    JsonOut list = json_open(&a->json, '[');
    json_item(&list);
    JsonOut one = json_open(&a->json, '{');
    put_errors(a, &one, errors, n);
    json_key(&one, "IntervalSeconds");
    json_int(&a->json, 1);
    json_key(&one, "MaxAttempts");
    json_int(&a->json, 6);
    json_key(&one, "BackoffRate");
    json_int(&a->json, 2);
    json_close(&one);
    json_close(&list);
}

static void put_catch(Asl *a, JsonOut *j, const char *error, const char *path, const char *next) {
    json_key(j, "Catch");
    JsonOut list = json_open(&a->json, '[');
    json_item(&list);
    JsonOut one = json_open(&a->json, '{');
    put_errors(a, &one, &error, 1);
    asl_put(a, &one, "ResultPath", path);
    asl_put(a, &one, "Next", next);
    json_close(&one);
    json_close(&list);
}

void asl_catch(Asl *a, JsonOut *j, const char *path, const char *next) { put_catch(a, j, "States.ALL", path, next); }

Invoke asl_invoke(Asl *a, const char *name, const char *what) {
    Invoke i = {.state = asl_state(a, name, "Task")};
    asl_put(a, &i.state, "Resource", "arn:aws:states:::lambda:invoke");
    json_key(&i.state, "Parameters");
    i.parameters = json_open(&a->json, '{');
    asl_setting(a, &i.parameters, "FunctionName", "function");
    json_key(&i.parameters, "Payload");
    i.payload = json_open(&a->json, '{');
    asl_put(a, &i.payload, "do", what);
    return i;
}

static const char *lost_name(const Asl *a, const char *base) { return asl_name(a, base, "lost"); }

void asl_task_end(Asl *a, JsonOut *j, const char *service, const char *base, const char *next) {
    static const char *const lambda[] = {"Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException",
                                         "Lambda.AWSLambdaException",
                                         "Lambda.SdkClientException", "Lambda.TooManyRequestsException"};
    static const char *const s3[] = {"S3.SdkClientException"};
    bool function = strcmp(service, "lambda") == 0;
    put_retry(a, j, function ? lambda : s3, function ? 5 : 1);
    asl_catch(a, j, "$.e", lost_name(a, base));
    asl_put(a, j, "Next", next);
    json_close(j);
}

void asl_invoke_result(Asl *a, Invoke *i, const char *selector, const char *path, const char *base, const char *next) {
    json_close(&i->payload);
    json_close(&i->parameters);
    json_key(&i->state, "ResultSelector");
    buf_z(&a->json, selector);
    asl_put(a, &i->state, "ResultPath", path);
    asl_task_end(a, &i->state, "lambda", base, next);
}

void asl_invoke_end(Asl *a, Invoke *i, const char *key, const char *base, const char *next) {
    asl_invoke_result(a, i, "{\"o.$\":\"$.Payload\"}", arena_printf(&a->arena, "$.v.%s", key), base, next);
    asl_key(a, key);
}

/* --- outcomes --- */

const char *asl_check_name(const Asl *a, const char *base) { return asl_name(a, base, "ok?"); }

void asl_lost(Asl *a, const Scope *s, const char *base, const char *node, const char *fail) {
    JsonOut lost = asl_state(a, lost_name(a, base), "Pass");
    json_key(&lost, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    json_key(&p, "failures");
    JsonOut list = json_open(&a->json, '[');
    json_item(&list);
    JsonOut f = json_open(&a->json, '{');
    asl_node_path(a, s, &f, "step", node);
    asl_put(a, &f, "kind", "lost");
    json_key(&f, "code");
    buf_z(&a->json, "null");
    asl_path_field(a, &f, "message", "$.e.Cause");
    asl_put(a, &f, "log", "");
    json_close(&f);
    json_close(&list);
    json_close(&p);
    asl_put(a, &lost, "ResultPath", "$.e.o");
    asl_put(a, &lost, "Next", fail);
    json_close(&lost);
}

void asl_failed(Asl *a, const Scope *s, const char *base, const char *node, const char *key) {
    const char *fail = asl_fail(a);
    JsonOut pass = asl_state(a, asl_name(a, base, "failed"), "Pass");
    asl_put(a, &pass, "InputPath", arena_printf(&a->arena, "$.v.%s", key));
    asl_put(a, &pass, "ResultPath", "$.e");
    asl_put(a, &pass, "Next", fail);
    json_close(&pass);
    asl_lost(a, s, base, node, fail);
}

void asl_check(Asl *a, const Scope *s, const char *base, const char *node, const char *key, const char *next) {
    const char *failed = asl_name(a, base, "failed");
    JsonOut check = asl_state(a, asl_check_name(a, base), "Choice");
    json_key(&check, "Choices");
    JsonOut list = json_open(&a->json, '[');
    json_item(&list);
    JsonOut rule = json_open(&a->json, '{');
    asl_put(a, &rule, "Variable", arena_printf(&a->arena, "$.v.%s.o.ok", key));
    json_key(&rule, "BooleanEquals");
    json_bool(&a->json, true);
    asl_put(a, &rule, "Next", next);
    json_close(&rule);
    json_close(&list);
    asl_put(a, &check, "Default", failed);
    json_close(&check);
    asl_failed(a, s, base, node, key);
}

/* --- @fail_fast --- */

static const char hot_error[] = "WF.Failed";

void asl_hot_end(Asl *a, const char *name) {
    const char *end = asl_name(a, name, "ends all");
    Invoke i = asl_invoke(a, name, "tell");
    asl_path_field(a, &i.payload, "failures", "$.e.o.failures");
    asl_invoke_result(a, &i, "{\"Cause.$\":\"$.Payload\"}", "$.e", name, end);
    /* When the function cannot be called, its error is the failure. */
    JsonOut lost = asl_state(a, lost_name(a, name), "Pass");
    json_key(&lost, "Result");
    json_z(&a->json,
           "[{\"step\":\"\",\"kind\":\"lost\",\"code\":null,\"message\":\"the function could not be called\",\"log\":\"\"}]");
    asl_put(a, &lost, "ResultPath", "$.e.Cause");
    asl_put(a, &lost, "Next", end);
    json_close(&lost);
    JsonOut j = asl_state(a, end, "Fail");
    asl_put(a, &j, "Error", hot_error);
    asl_put(a, &j, "CausePath", "$.e.Cause");
    json_close(&j);
}

void asl_hot_catch(Asl *a, JsonOut *j, const char *base) { put_catch(a, j, hot_error, "$.e", asl_name(a, base, "ended")); }

void asl_hot_caught(Asl *a, const char *base) {
    JsonOut j = asl_state(a, asl_name(a, base, "ended"), "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_path_field(a, &p, "failures", "States.StringToJson($.e.Cause)");
    json_close(&p);
    asl_put(a, &j, "ResultPath", "$.e.o");
    asl_put(a, &j, "Next", asl_fail(a));
    json_close(&j);
}

/* --- values --- */

void asl_null_values(Asl *a, const Names *keys, bool nulls) {
    JsonOut v = json_open(&a->json, '{');
    for (uint32_t i = 0; nulls && i < keys->len; i++) {
        uint32_t k = 0;
        while (strcmp(keys->data[k], keys->data[i]) != 0) k++;
        if (k < i) continue;
        json_key(&v, keys->data[i]);
        buf_z(&a->json, "{\"o\":{\"value\":null}}");
    }
    json_close(&v);
}

void asl_value(Asl *a, const Scope *s, const char *name, const char *node, const char *key, Opnd o, const char *next) {
    if (asl_simple(a, s, o)) {
        JsonOut pass = asl_state(a, name, "Pass");
        json_key(&pass, "Parameters");
        JsonOut p = json_open(&a->json, '{');
        json_key(&p, "o");
        JsonOut inner = json_open(&a->json, '{');
        asl_field(a, s, &inner, "value", o);
        json_close(&inner);
        json_close(&p);
        asl_put(a, &pass, "ResultPath", arena_printf(&a->arena, "$.v.%s", key));
        asl_put(a, &pass, "Next", next);
        json_close(&pass);
        asl_key(a, key);
        return;
    }
    asl_compute(a, s, name, node, key, o, NULL, next);
}

void asl_compute(Asl *a, const Scope *s, const char *name, const char *node, const char *key, Opnd o, const char *wrapper,
                 const char *next) {
    buf_z(&a->units, "    ");
    json_z(&a->units, name);
    buf_printf(&a->units, ": lambda d: %s", wrapper != NULL ? wrapper : "");
    asl_python(a, s, &a->units, o, &o, 1, true);
    buf_z(&a->units, wrapper != NULL ? "),\n" : ",\n");
    Invoke i = asl_invoke(a, name, "compute");
    asl_put(a, &i.payload, "unit", name);
    asl_node_path(a, s, &i.payload, "node", node);
    asl_leaves(a, s, &i.payload, "d", &o, 1);
    asl_invoke_end(a, &i, key, name, asl_check_name(a, name));
    asl_check(a, s, name, node, key, next);
}
