/* The state that runs an attempt of a call in a container of ECS or Batch. */
#include "compiler/backend/stepfunctions/asl.h"

#include <math.h>
#include <stdlib.h>

const char *asl_runner(const TargetCx *cx) {
    Str s;
    return !target_string(cx, "runner", &s) ? "ecs" : str_is(s, "lambda") ? "lambda" : str_is(s, "batch") ? "batch" : "ecs";
}

const FlowSetting *asl_call_setting(const Flow *f, NodeId n, Setting key) {
    const FlowSetting *y = flow_setting(f, f->node.data[n].settings, key);
    return y != NULL ? y : flow_setting(f, f->step.data[f->node.data[n].ref].settings, key);
}

const FlowSetting *asl_image(const Flow *f, uint32_t workflow, NodeId n) {
    const FlowSetting *y = asl_call_setting(f, n, SET_IMAGE);
    return y != NULL ? y : flow_setting(f, f->workflow.data[workflow].settings, SET_IMAGE);
}

bool asl_image_definition(const TargetCx *cx, const FlowSetting *image, Str *out) {
    if (opnd_tag(image->value) != OPND_CONST) return false;
    Str wanted = cx->flow->constant.data[opnd_index(image->value)].s, key;
    for (uint32_t i = 0; target_entry(cx, "images", i, &key, out); i++)
        if (str_eq(key, wanted)) return true;
    return false;
}

/* The task or job definition: that of the image, or the setting's. */
static void put_definition(Asl *a, const Scope *s, JsonOut *p, NodeId n, const char *key, const char *setting) {
    const FlowSetting *image = asl_image(a->flow, a->flow->region.data[s->region].workflow, n);
    Str definition;
    if (image == NULL || !asl_image_definition(a->cx, image, &definition)) {
        asl_setting(a, p, key, setting);
        return;
    }
    json_key(p, key);
    asl_string(&a->json, definition);
}

static const FlowConst *setting_const(const Asl *a, NodeId n, Setting key) {
    const FlowSetting *y = asl_call_setting(a->flow, n, key);
    return y != NULL && opnd_tag(y->value) == OPND_CONST ? &a->flow->constant.data[opnd_index(y->value)] : NULL;
}

/* Whole seconds, rounded up; at least one, which the service asks for. */
static int64_t seconds(int64_t ms) { return ms <= 1000 ? 1 : (ms + 999) / 1000; }

uint32_t asl_retries(const Asl *a, NodeId n) {
    const FlowConst *times = setting_const(a, n, SET_RETRY);
    return times == NULL || times->i <= 0 ? 0 : (uint32_t)times->i;
}

/* The container asks for another attempt by its exit status, a function by an error, so every error may be tried again. */
void asl_policy(Asl *a, JsonOut *j, NodeId n) {
    uint32_t times = asl_retries(a, n);
    if (times == 0) return;
    const FlowConst *delay = setting_const(a, n, SET_RETRY_DELAY), *factor = setting_const(a, n, SET_RETRY_FACTOR);
    const FlowConst *most = setting_const(a, n, SET_RETRY_MAX_DELAY), *jitter = setting_const(a, n, SET_RETRY_JITTER);
    int64_t interval = seconds(delay != NULL ? delay->i : 0), cap = most != NULL ? seconds(most->i) : 3600;
    double rate = factor != NULL ? factor->f : 1.0;
    json_key(j, "Retry");
    buf_z(&a->json, "[");
    JsonOut r = json_open(&a->json, '{');
    json_key(&r, "ErrorEquals");
    buf_z(&a->json, "[\"States.ALL\"]");
    json_key(&r, "IntervalSeconds");
    json_int(&a->json, interval < cap ? interval : cap);
    json_key(&r, "MaxAttempts");
    json_int(&a->json, times);
    json_key(&r, "BackoffRate");
    if (rate == floor(rate) && rate < 1e9) json_int(&a->json, (int64_t)rate);
    else json_double(&a->json, rate);
    if (rate > 1.0 && cap > interval) {
        json_key(&r, "MaxDelaySeconds");
        json_int(&a->json, cap);
    }
    if (jitter != NULL && jitter->i) asl_put(a, &r, "JitterStrategy", "FULL");
    json_close(&r);
    buf_addc(&a->json, ']');
}

/* A setting that holds names between commas, as a list. */
static void put_names(Asl *a, JsonOut *j, const char *key, const char *setting) {
    Str s;
    if (!target_string(a->cx, setting, &s)) return;
    json_key(j, key);
    JsonOut list = json_open(&a->json, '[');
    while (s.n > 0) {
        size_t k = 0;
        while (k < s.n && s.p[k] != ',') k++;
        Str one = {s.p, k};
        while (one.n > 0 && one.p[0] == ' ') one.p++, one.n--;
        json_item(&list);
        asl_string(&a->json, one);
        s.p += k < s.n ? k + 1 : k;
        s.n -= k < s.n ? k + 1 : k;
    }
    json_close(&list);
}

static void put_container(Asl *a, const Scope *s, JsonOut *j, const char *node) {
    json_key(j, "Command");
    JsonOut command = json_open(&a->json, '[');
    json_item(&command);
    json_z(&a->json, "python3");
    json_item(&command);
    json_z(&a->json, arena_printf(&a->arena, "/opt/wf/%s.py", a->workflow));
    json_close(&command);
    json_key(j, "Environment");
    buf_addc(&a->json, '[');
    JsonOut v = json_open(&a->json, '{');
    asl_put(a, &v, "Name", "WF_CALL");
    asl_object_key(a, s, &v, "Value", node, "", false);
    json_close(&v);
    buf_addc(&a->json, ']');
}

static int64_t mebibytes(const FlowConst *c) { return (c->i + (1 << 20) - 1) >> 20; }

/* Fargate's sizes: CPU units, and memory from and to in MiB by steps of 1024 (of 4096 and 8192 for the largest two). */
static const struct {
    int cpu, least, most, step;
} fargate[] = {{256, 512, 2048, 1024}, {512, 1024, 4096, 1024}, {1024, 2048, 8192, 1024}, {2048, 4096, 16384, 1024},
               {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192}};

bool asl_fargate_size(double cpu, int64_t memory, int *units, int64_t *mib) {
    for (size_t i = 0; i < sizeof fargate / sizeof *fargate; i++) {
        if (fargate[i].cpu < cpu * 1024 || fargate[i].most < memory) continue;
        int64_t m = memory <= fargate[i].least ? fargate[i].least
            : (memory + fargate[i].step - 1) / fargate[i].step * fargate[i].step;
        *units = fargate[i].cpu;
        *mib = m;
        return true;
    }
    return false;
}

static void put_ecs_size(Asl *a, JsonOut *overrides, NodeId n) {
    const FlowConst *cpu = setting_const(a, n, SET_CPU), *memory = setting_const(a, n, SET_MEMORY);
    int units;
    int64_t mib;
    if ((cpu == NULL && memory == NULL) ||
        !asl_fargate_size(cpu != NULL ? cpu->f : 0, memory != NULL ? mebibytes(memory) : 0, &units, &mib)) return;
    asl_put(a, overrides, "Cpu", arena_printf(&a->arena, "%d", units));
    asl_put(a, overrides, "Memory", arena_printf(&a->arena, "%lld", (long long)mib));
}

static void run_ecs(Asl *a, const Scope *s, JsonOut *p, NodeId n, const char *node) {
    asl_put(a, p, "LaunchType", "FARGATE");
    asl_setting(a, p, "Cluster", "cluster");
    put_definition(a, s, p, n, "TaskDefinition", "task_definition");
    json_key(p, "NetworkConfiguration");
    JsonOut network = json_open(&a->json, '{');
    json_key(&network, "AwsvpcConfiguration");
    JsonOut vpc = json_open(&a->json, '{');
    Str set;
    if (target_string(a->cx, "subnets", &set)) put_names(a, &vpc, "Subnets", "subnets");
    else {
        json_key(&vpc, "Subnets");
        buf_z(&a->json, "[\"${subnets}\"]");
    }
    put_names(a, &vpc, "SecurityGroups", "security_groups");
    int64_t public_ip = 0;
    target_int(a->cx, "public_ip", &public_ip);
    asl_put(a, &vpc, "AssignPublicIp", public_ip ? "ENABLED" : "DISABLED");
    json_close(&vpc);
    json_close(&network);
    json_key(p, "Overrides");
    JsonOut o = json_open(&a->json, '{');
    put_ecs_size(a, &o, n);
    json_key(&o, "ContainerOverrides");
    buf_addc(&a->json, '[');
    JsonOut c = json_open(&a->json, '{');
    Str name;
    if (target_string(a->cx, "container", &name)) asl_setting(a, &c, "Name", "container");
    else asl_put(a, &c, "Name", "wf");
    put_container(a, s, &c, node);
    json_close(&c);
    buf_addc(&a->json, ']');
    json_close(&o);
}

static void requirement(Asl *a, JsonOut *list, const char *type, const char *value) {
    json_item(list);
    JsonOut r = json_open(&a->json, '{');
    asl_put(a, &r, "Type", type);
    asl_put(a, &r, "Value", value);
    json_close(&r);
}

static void run_batch(Asl *a, const Scope *s, JsonOut *p, NodeId n, const char *node) {
    const FlowConst *cpu = setting_const(a, n, SET_CPU), *memory = setting_const(a, n, SET_MEMORY),
        *gpu = setting_const(a, n, SET_GPU);
    asl_put(a, p, "JobName", arena_printf(&a->arena, "%s-%s", a->workflow, node));
    asl_setting(a, p, "JobQueue", "job_queue");
    put_definition(a, s, p, n, "JobDefinition", "job_definition");
    json_key(p, "ContainerOverrides");
    JsonOut c = json_open(&a->json, '{');
    put_container(a, s, &c, node);
    if (cpu != NULL || memory != NULL || gpu != NULL) {
        json_key(&c, "ResourceRequirements");
        JsonOut list = json_open(&a->json, '[');
        char text[32] = "";
        if (cpu != NULL && cpu->f == floor(cpu->f)) requirement(a, &list, "VCPU", arena_printf(&a->arena, "%.0f", cpu->f));
        else if (cpu != NULL && format_double(cpu->f, text) > 0) requirement(a, &list, "VCPU", text);
        if (memory != NULL) requirement(a, &list, "MEMORY", arena_printf(&a->arena, "%lld", (long long)mebibytes(memory)));
        if (gpu != NULL) requirement(a, &list, "GPU", arena_printf(&a->arena, "%lld", (long long)gpu->i));
        json_close(&list);
    }
    json_close(&c);
}

void asl_run(Asl *a, const Scope *s, NodeId n, const char *base, const char *next) {
    const char *runner = asl_runner(a->cx), *node = atom_cstr(a->flow->atoms, a->flow->node.data[n].name);
    JsonOut j = asl_state(a, base, "Task");
    bool batch = strcmp(runner, "batch") == 0;
    asl_put(a, &j, "Resource", batch ? "arn:aws:states:::batch:submitJob.sync" : "arn:aws:states:::ecs:runTask.sync");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    if (batch) run_batch(a, s, &p, n, node);
    else run_ecs(a, s, &p, n, node);
    json_close(&p);
    json_key(&j, "ResultPath");
    buf_z(&a->json, "null");
    asl_policy(a, &j, n);
    asl_catch(a, &j, "$.e", next);
    asl_put(a, &j, "Next", next);
    json_close(&j);
}
