/* A workflow as files. */
#include "compiler/backend/stepfunctions/asl.h"

#include <stdlib.h>

/* The nodes whose values handlers look at, which may not have run. */
static uint8_t *kept_nodes(const Flow *f) {
    uint8_t *kept = wf_alloc_zero(f->node.len + 1);
    for (RegionId r = 1; r < f->region.len; r++) {
        const FlowRegion *x = &f->region.data[r];
        if (x->kind != REGION_HANDLER) continue;
        for (uint32_t i = 0; i < x->ninput; i++) {
            Opnd from = f->input.data[x->input + i].from;
            if (opnd_tag(from) == OPND_NODE) kept[opnd_index(from)] = 1;
        }
    }
    return kept;
}

static void put_start(Asl *a) {
    JsonOut j = asl_state(a, "Check parameters", "Task");
    asl_put(a, &j, "Resource", "arn:aws:states:::lambda:invoke");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_setting(a, &p, "FunctionName", "function");
    json_key(&p, "Payload");
    buf_z(&a->json, "{\"do\":\"start\",\"id.$\":\"$$.Execution.Name\",\"time.$\":\"$$.Execution.StartTime\","
                    "\"params.$\":\"$$.Execution.Input\"}");
    json_close(&p);
    json_key(&j, "ResultSelector");
    buf_z(&a->json, "{\"o.$\":\"$.Payload\"}");
    asl_put(a, &j, "Next", "Parameters fit?");
    json_close(&j);

    JsonOut check = asl_state(a, "Parameters fit?", "Choice");
    json_key(&check, "Choices");
    buf_z(&a->json, "[{\"Variable\":\"$.o.ok\",\"BooleanEquals\":true,\"Next\":\"Begin\"}]");
    asl_put(a, &check, "Default", "Refuse parameters");
    json_close(&check);

    JsonOut refuse = asl_state(a, "Refuse parameters", "Pass");
    asl_put(a, &refuse, "ResultPath", "$.e");
    asl_put(a, &refuse, "Next", "Fail");
    json_close(&refuse);
}

static void put_begin(Asl *a, const char *next, size_t *values) {
    JsonOut j = asl_state(a, "Begin", "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    json_key(&p, "c");
    buf_z(&a->json, "{\"run.$\":\"$.o.value.run\",\"in.$\":\"$.o.value.in\",\"at\":\"\"}");
    json_key(&p, "v");
    *values = a->json.n;
    json_close(&p);
    asl_put(a, &j, "Next", next);
    json_close(&j);
}

/* Puts the text into what is written already. */
static void insert(Asl *a, size_t at, const Buf *text) {
    Buf whole = BUF_INIT;
    buf_add(&whole, a->json.p, at);
    buf_str(&whole, buf_view(text));
    buf_add(&whole, a->json.p + at, a->json.n - at);
    buf_free(&a->json);
    a->json = whole;
    for (uint32_t i = 0; i < a->mark.len; i++)
        if (a->mark.data[i].at >= at) a->mark.data[i].at += text->n;
}

static void put_ends(Asl *a, const FlowWorkflow *w, bool ends) {
    if (!ends) {
        /* nothing leads to a result */
    } else if (w->result == T_NOTHING) {
        JsonOut none = asl_state(a, "Result", "Pass");
        json_key(&none, "Parameters");
        buf_z(&a->json, "{\"result\":{}}");
        asl_put(a, &none, "OutputPath", "$.result");
        json_key(&none, "End");
        json_bool(&a->json, true);
        json_close(&none);
    } else {
        JsonOut result = asl_state(a, "Result", "Succeed");
        asl_put(a, &result, "OutputPath", "$.v.result__.o.value");
        json_close(&result);
    }
    JsonOut fail = asl_state(a, "Fail", "Fail");
    asl_put(a, &fail, "ErrorPath", "$.e.o.failures[0].kind");
    asl_put(a, &fail, "CausePath", "$.e.o.failures[0].message");
    json_close(&fail);
}

static void put_comment(Asl *a, JsonOut *m, const FlowWorkflow *w) {
    json_key(m, "Comment");
    Buf text = BUF_INIT;
    if (w->doc.n > 0) buf_str(&text, w->doc);
    else buf_printf(&text, "%s of %.*s", a->workflow, STR_ARG(a->cx->source));
    asl_string(&a->json, buf_view(&text));
    buf_free(&text);
}

void asl_machine(Asl *a) {
    const FlowWorkflow *w = &a->flow->workflow.data[a->cx->workflow];
    Scope *body = ARENA_NEW(&a->arena, Scope);
    *body = (Scope){.region = w->body, .call = UINT32_MAX, .name = "", .key = "", .tail = "", .path = ""};
    Names keys = {0};
    bool parallel = false;
    Exit exit = {"Fail", true};
    a->exit = &exit;
    a->kept = kept_nodes(a->flow);
    JsonOut m = json_open(&a->json, '{');
    put_comment(a, &m, w);
    asl_put(a, &m, "StartAt", "Check parameters");
    const FlowSetting *limit = flow_setting(a->flow, w->settings, SET_TIMEOUT);
    if (limit != NULL && opnd_tag(limit->value) == OPND_CONST) {
        json_key(&m, "TimeoutSeconds");
        json_int(&a->json, a->flow->constant.data[opnd_index(limit->value)].i / 1000);
    }
    json_key(&m, "States");
    a->level = (Level){.states = json_open(&a->json, '{'), .keys = &keys, .parallel = &parallel};
    size_t values;
    const char *first = asl_workflow_entry(a, body, "Workflow", "Result");
    put_start(a);
    put_begin(a, first, &values);
    asl_workflow(a, body, "Workflow", "result__", "Result");
    put_ends(a, w, !asl_region_stops(a, body));
    json_close(&a->level.states);
    json_close(&m);
    Buf all = a->json, nulls = BUF_INIT;
    a->json = (Buf){0};
    asl_null_values(a, &keys, parallel);
    nulls = a->json;
    a->json = all;
    insert(a, values, &nulls);
    buf_free(&nulls);
    vec_free(&keys);
}

static void asl_free(Asl *a) {
    buf_free(&a->json);
    buf_free(&a->units);
    buf_free(&a->calls);
    buf_free(&a->order);
    vec_free(&a->mark);
    free(a->kept);
    arena_free(&a->arena);
}

static Asl asl_open(TargetCx *cx) {
    return (Asl){.cx = cx, .flow = cx->flow, .workflow = atom_cstr(cx->flow->atoms, cx->flow->workflow.data[cx->workflow].name)};
}

size_t asl_definition_size(TargetCx *cx) {
    Asl a = asl_open(cx);
    asl_machine(&a);
    size_t size = a.json.n + 1;
    asl_free(&a);
    return size;
}

/* The definition for people to read, or where that is more than the service takes, without layout. */
static void put_definition(Asl *a, Buf *out) {
    Buf text = BUF_INIT;
    size_t *at = wf_alloc(sizeof *at * (a->mark.len + 1));
    for (uint32_t i = 0; i < a->mark.len; i++) at[i] = a->mark.data[i].at;
    asl_pretty(&text, buf_view(&a->json), a->mark.data, a->mark.len);
    if (text.n > ASL_MAX_DEFINITION) {
        for (uint32_t i = 0; i < a->mark.len; i++) a->mark.data[i].at = at[i];
        buf_clear(&text);
        buf_str(&text, buf_view(&a->json));
        buf_addc(&text, '\n');
    }
    buf_str(out, buf_view(&text));
    buf_free(&text);
    free(at);
}

static Buf *file(Asl *a, EmitOut *out, const char *name, const char *ending) {
    return emit_file(out, arena_printf(&a->arena, "%s%s", name, ending));
}

static bool uses_node(const TargetCx *cx) {
    Used used = target_used(cx->flow, cx->workflow);
    bool node = false;
    for (uint32_t i = 0; i < cx->flow->step.len; i++)
        node = node || (used.step[i] && cx->flow->step.data[i].body == BODY_FENCE &&
                        str_is(atom_str(cx->flow->atoms, cx->flow->step.data[i].lang), "node"));
    used_free(&used);
    return node;
}

void asl_emit(TargetCx *cx, EmitOut *out) {
    Asl a = asl_open(cx);
    asl_machine(&a);
    put_definition(&a, file(&a, out, a.workflow, ".asl.json"));
    for (uint32_t i = 0; i < a.mark.len; i++) {
        Mark m = a.mark.data[i];
        vec_push(&out->mark, ((EmitMark){out->file.len - 1, m.at, m.span}));
    }
    asl_module(&a, out, file(&a, out, a.workflow, ".py"));
    buf_str(file(&a, out, "wf_shim", ".py"), cx->shim);
    if (uses_node(cx)) buf_str(file(&a, out, "wf_shim", ".js"), cx->node_shim);
    Buf schedule = BUF_INIT;
    if (asl_schedule(&a, &schedule)) asl_pretty(file(&a, out, a.workflow, ".schedule.json"), buf_view(&schedule), NULL, 0);
    buf_free(&schedule);
    asl_free(&a);
}
