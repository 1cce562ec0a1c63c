/* Container templates: steps, and the helpers that run the shim for everything else. */
#include "compiler/backend/argo/leaf.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>

const FlowSetting *argo_setting(const Argo *g, const ArgoLeaf *l, Setting key) {
    const FlowSettings *own = &g->f->settings.data[l->settings];
    for (uint32_t i = 0; i < own->n; i++) /* an annotation on the call replaces the step's as a whole */
        if (strcmp(setting_annotation(g->f->setting.data[own->first + i].key), setting_annotation(key)) == 0)
            return flow_setting(g->f, l->settings, key);
    return flow_setting(g->f, g->f->step.data[l->step].settings, key);
}

const FlowConst *argo_image(const Argo *g, const ArgoLeaf *l) {
    const FlowConst *own = argo_constant(g, argo_setting(g, l, SET_IMAGE));
    return own != NULL ? own : argo_constant(g, flow_setting(g->f, g->f->workflow.data[g->cx->workflow].settings, SET_IMAGE));
}

ArgoFiles argo_files(const Flow *f, TypeId t) {
    if (!type_has(f->types, t, TYF_FILE)) return FILES_NONE;
    TypeKind k = type_kind(f->types, type_file_base(f->types, type_unopt(f->types, t)));
    return k == TY_FILE || k == TY_DIR ? FILES_ONE : FILES_MANY;
}

/* --- names --- */

static bool is_taken(const Argo *g, const char *name) {
    static const char *const helpers[] = {"main", "params", "compute", "failures", "save", "nothing", NULL};
    for (int i = 0; helpers[i] != NULL; i++)
        if (strcmp(helpers[i], name) == 0) return true;
    for (uint32_t i = 0; i < g->leaf.len; i++)
        if (strcmp(g->leaf.data[i].name, name) == 0) return true;
    for (uint32_t i = 0; i < g->f->workflow.len; i++) {
        Str w = atom_str(g->f->atoms, g->f->workflow.data[i].name);
        bool same = w.n == strlen(name);
        for (size_t k = 0; same && k < w.n; k++) same = name[k] == (w.p[k] == '_' ? '-' : w.p[k]);
        if (same) return true;
    }
    return false;
}

const char *argo_leaf(Argo *g, uint32_t step, uint32_t settings) {
    for (uint32_t i = 0; i < g->leaf.len; i++)
        if (g->leaf.data[i].step == step && g->leaf.data[i].settings == settings) return g->leaf.data[i].name;
    const FlowStep *s = &g->f->step.data[step];
    Str module = atom_str(g->f->atoms, s->module);
    const char *name = argo_kebab(g, atom_str(g->f->atoms, s->name));
    if (module.n > 4 && str_starts(module, STR("std.")))
        name = arena_printf(&g->arena, "%.*s-%s", (int)(module.n - 4), module.p + 4, name);
    const char *base = name;
    for (unsigned n = 2; is_taken(g, name); n++) name = arena_printf(&g->arena, "%s-%u", base, n);
    vec_push(&g->leaf, ((ArgoLeaf){step, settings, name}));
    return name;
}

/* --- pieces --- */

void leaf_parameter(Argo *g, const char *name) {
    yaml_flow_map(&g->y);
    yaml_pair_z(&g->y, "name", name);
    yaml_end(&g->y);
}

void leaf_pair(Argo *g, const char *name, const char *value) {
    yaml_flow_map(&g->y);
    yaml_pair_z(&g->y, "name", name);
    yaml_pair_z(&g->y, "value", value);
    yaml_end(&g->y);
}

void leaf_stored(Argo *g, const char *key) {
    YamlOut *y = &g->y;
    yaml_key(y, "archive");
    yaml_flow_map(y);
    yaml_key(y, "none");
    yaml_flow_map(y);
    yaml_end(y);
    yaml_end(y);
    yaml_key(y, "s3");
    yaml_flow_map(y);
    yaml_pair_z(y, "key", key);
    yaml_end(y);
}

/* An artifact that is stored and fetched as it is, under a key of ours. */
void leaf_artifact(Argo *g, const char *name, const char *path, const char *key) {
    YamlOut *y = &g->y;
    yaml_flow_map(y);
    yaml_pair_z(y, "name", name);
    yaml_pair_z(y, "path", path);
    yaml_pair_bool(y, "optional", true);
    leaf_stored(g, key);
    yaml_end(y);
}

/* The file or folder of a parameter, whose artifact must not have the name of the file of values. */
static void put_file(Argo *g, const char *name, const char *key) {
    leaf_artifact(g, strcmp(name, "values") == 0 ? "_values" : name, arena_printf(&g->arena, "/wf/in/%s", name), key);
}

/* The file of values: `lines` with the parameters' tags in it. */
void leaf_values(Argo *g, const char *lines) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", "values");
    yaml_pair_z(y, "path", "/wf/values");
    yaml_key(y, "raw");
    yaml_map(y);
    yaml_key(y, "data");
    yaml_block(y, str_of(lines));
    yaml_end(y);
    yaml_end(y);
}

static void put_words(Argo *g, const char *const *words, size_t n) {
    yaml_key(&g->y, "command");
    yaml_flow_list(&g->y);
    for (size_t i = 0; i < n; i++) yaml_z(&g->y, words[i]);
    yaml_end(&g->y);
}

void leaf_command(Argo *g, const char *mode, const char *name) {
    put_words(g, (const char *const[]){"python3", "/wf/bin/wf_shim.py", "argo", mode, name}, 5);
}

void leaf_out(Argo *g, const char *name, const char *path) {
    YamlOut *y = &g->y;
    yaml_flow_map(y);
    yaml_pair_z(y, "name", name);
    yaml_key(y, "valueFrom");
    yaml_flow_map(y);
    yaml_pair_z(y, "path", path);
    yaml_pair_z(y, "default", "null");
    yaml_end(y);
    yaml_end(y);
}

void leaf_open(Argo *g, const char *key, const char *inner) {
    yaml_key(&g->y, key);
    yaml_map(&g->y);
    yaml_key(&g->y, inner);
    yaml_flow_list(&g->y);
}

/* The volumes of the template's own: of its scripts where it is referred to, of the Python that is carried. */
static void put_volumes(Argo *g, bool carried) {
    YamlOut *y = &g->y;
    if (!g->unit && !carried) return;
    yaml_key(y, "volumes");
    yaml_flow_list(y);
    if (g->unit) {
        yaml_map(y);
        yaml_pair_z(y, "name", "flow");
        yaml_key(y, "configMap");
        yaml_map(y);
        yaml_pair_z(y, "name", arena_printf(&g->arena, "%s-flow", g->root));
        yaml_end(y);
        yaml_end(y);
    }
    if (carried) {
        yaml_map(y);
        yaml_pair_z(y, "name", "python");
        yaml_key(y, "emptyDir");
        yaml_map(y);
        yaml_end(y);
        yaml_end(y);
    }
    yaml_end(y);
}

static void open_container(Argo *g, const FlowConst *image) {
    yaml_key(&g->y, "container");
    yaml_map(&g->y);
    if (image != NULL) yaml_pair(&g->y, "image", image->s);
    else if (g->unit) yaml_pair_z(&g->y, "image", g->image);
}

void leaf_container(Argo *g) {
    put_volumes(g, false);
    open_container(g, NULL);
}

void leaf_close(Argo *g) {
    yaml_end(&g->y);
    yaml_end(&g->y);
}

void leaf_failure(Argo *g, const char *name) {
    if (!g->fails) return;
    leaf_artifact(g, "failure", "/wf/out/failure", arena_printf(&g->arena, "%s/{{workflow.uid}}/failures/%s", g->prefix, name));
}

/* --- settings --- */

const FlowConst *argo_constant(const Argo *g, const FlowSetting *s) {
    return s != NULL && opnd_tag(s->value) == OPND_CONST && g->f->constant.data[opnd_index(s->value)].kind != CONST_NONE
               ? &g->f->constant.data[opnd_index(s->value)] : NULL;
}

/* The value of an earlier call with the same code and arguments, of any run, while it is young enough. */
static void put_cache(Argo *g, const ArgoLeaf *l) {
    const FlowSetting *cache = argo_setting(g, l, SET_CACHE);
    const FlowConst *ttl = argo_constant(g, cache);
    YamlOut *y = &g->y;
    if (cache == NULL) return;
    yaml_key(y, "memoize");
    yaml_map(y);
    yaml_pair_z(y, "key", argo_cache_key(g, l));
    if (ttl == NULL) yaml_pair_z(y, "maxAge", "");
    else yaml_pair_z(y, "maxAge", argo_duration(g, ttl->i * 1000));
    yaml_key(y, "cache");
    yaml_flow_map(y);
    yaml_key(y, "configMap");
    yaml_flow_map(y);
    const char *name = argo_kebab(g, atom_str(g->f->atoms, g->f->workflow.data[g->workflow].name));
    yaml_pair_z(y, "name", arena_printf(&g->arena, "%s-cache", name));
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

/* What only so many may do at once, by the semaphore of a ConfigMap. */
void argo_put_semaphore(Argo *g, const char *map, const char *key) {
    YamlOut *y = &g->y;
    yaml_key(y, "synchronization");
    yaml_map(y);
    yaml_key(y, "semaphores");
    yaml_list(y);
    yaml_flow_map(y);
    yaml_key(y, "configMapKeyRef");
    yaml_flow_map(y);
    yaml_pair_z(y, "name", map);
    yaml_pair_z(y, "key", key);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

const char *argo_pool(Argo *g, Str name) {
    Buf b = BUF_INIT;
    buf_z(&b, "wf-pool-");
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) buf_addc(&b, c);
        else buf_printf(&b, "-%02x", (unsigned char)c);
    }
    const char *map = arena_strndup(&g->arena, b.p, b.n);
    buf_free(&b);
    return map;
}

/* A constant map of strings. */
void argo_put_map(Argo *g, const char *key, const FlowSetting *s) {
    const Flow *f = g->f;
    if (s == NULL || opnd_tag(s->value) != OPND_EXPR) return;
    const FlowExpr *x = &f->expr.data[opnd_index(s->value)];
    yaml_key(&g->y, key);
    yaml_flow_map(&g->y);
    for (uint16_t i = 0; x->op == FLOW_MAP && i + 1 < x->n; i = (uint16_t)(i + 2)) {
        const Opnd *a = flow_opnds(f, x->a) + i;
        yaml_key_str(&g->y, f->constant.data[opnd_index(a[0])].s);
        yaml_str(&g->y, f->constant.data[opnd_index(a[1])].s);
    }
    yaml_end(&g->y);
}

/* Where its pods run, and as whom. */
static void put_place(Argo *g, const ArgoLeaf *l) {
    const FlowSetting *labels = argo_setting(g, l, SET_LABEL);
    const FlowConst *account = argo_constant(g, argo_setting(g, l, SET_SERVICE_ACCOUNT));
    if (labels != NULL) {
        yaml_key(&g->y, "metadata");
        yaml_map(&g->y);
        argo_put_map(g, "labels", labels);
        yaml_end(&g->y);
    }
    argo_put_map(g, "nodeSelector", argo_setting(g, l, SET_NODE_SELECTOR));
    if (account != NULL) yaml_pair(&g->y, "serviceAccountName", account->s);
}

static void put_resources(Argo *g, const ArgoLeaf *l) {
    const FlowConst *cpu = argo_constant(g, argo_setting(g, l, SET_CPU)),
                    *memory = argo_constant(g, argo_setting(g, l, SET_MEMORY));
    const FlowConst *gpu = argo_constant(g, argo_setting(g, l, SET_GPU)), *disk = argo_constant(g, argo_setting(g, l, SET_DISK));
    if (cpu == NULL && memory == NULL && gpu == NULL && disk == NULL) return;
    YamlOut *y = &g->y;
    char text[32];
    yaml_key(y, "resources");
    yaml_map(y);
    if (cpu != NULL || memory != NULL || disk != NULL) {
        yaml_key(y, "requests");
        yaml_flow_map(y);
        if (cpu != NULL) {
            format_double(cpu->f, text);
            yaml_pair_z(y, "cpu", text);
        }
        if (memory != NULL) yaml_pair_z(y, "memory", arena_printf(&g->arena, "%" PRId64, memory->i));
        if (disk != NULL) yaml_pair_z(y, "ephemeral-storage", arena_printf(&g->arena, "%" PRId64, disk->i));
        yaml_end(y);
    }
    if (memory != NULL || gpu != NULL) {
        yaml_key(y, "limits");
        yaml_flow_map(y);
        if (memory != NULL) yaml_pair_z(y, "memory", arena_printf(&g->arena, "%" PRId64, memory->i));
        if (gpu != NULL) yaml_pair_z(y, "nvidia.com/gpu", arena_printf(&g->arena, "%" PRId64, gpu->i));
        yaml_end(y);
    }
    yaml_end(y);
}

/* The secret that an input names, for the shim; an absent one is told when the step begins. Its name is that of a Secret once `_` is `-`. */
static void put_secret(Argo *g, const char *param) {
    YamlOut *y = &g->y;
    Buf path = BUF_INIT;
    argo_path(&path, arena_printf(&g->arena, "inputs.parameters.%s", param));
    const char *p = buf_cstr(&path);
    yaml_flow_map(y);
    yaml_pair_z(y, "name", arena_printf(&g->arena, "WF_SECRET_%s", param));
    yaml_key(y, "valueFrom");
    yaml_flow_map(y);
    yaml_key(y, "secretKeyRef");
    yaml_flow_map(y);
    yaml_pair_z(y, "name", arena_printf(&g->arena, "{{=%s == 'null' ? 'none' : sprig.replace('_', '-', jsonpath(%s, '$.secret'))}}", p, p));
    yaml_pair_z(y, "key", "value");
    yaml_pair_bool(y, "optional", true);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
    buf_free(&path);
}

static void put_secrets(Argo *g, const FlowStep *s) {
    const Flow *f = g->f;
    for (uint32_t i = 0; i < s->nparam; i++) {
        const FlowParam *p = &f->param.data[s->param + i];
        if (type_has(f->types, p->type, TYF_SECRET)) put_secret(g, atom_cstr(f->atoms, p->name));
    }
}

/* --- steps --- */

/* When the first attempt began, which the later ones of a step with a limit for all together have to know. */
static void put_begun(Argo *g, const char *path) {
    leaf_artifact(g, "_begun", path, arena_printf(&g->arena, "%s/{{workflow.uid}}/begun/{{inputs.parameters._node}}", g->prefix));
}

static bool carries_begin(const Argo *g, const ArgoLeaf *l) {
    return argo_setting(g, l, SET_RETRY) != NULL && argo_is_total(g, l);
}

static void put_inputs(Argo *g, const ArgoLeaf *l) {
    const Flow *f = g->f;
    const FlowStep *s = &f->step.data[l->step];
    Buf lines = BUF_INIT;
    leaf_open(g, "inputs", "parameters");
    leaf_parameter(g, "_node");
    for (uint32_t i = 0; i < s->nparam; i++) {
        const char *name = atom_cstr(f->atoms, f->param.data[s->param + i].name);
        leaf_parameter(g, name);
        buf_printf(&lines, "%s {{inputs.parameters.%s}}\n", name, name);
        if (argo_files(f, f->param.data[s->param + i].type) == FILES_NONE) continue;
        leaf_parameter(g, arena_printf(&g->arena, "_%s_uri", name));
        buf_printf(&lines, "/wf/in/%s {{inputs.parameters._%s_uri}}\n", name, name);
    }
    yaml_end(&g->y);
    yaml_key(&g->y, "artifacts");
    yaml_list(&g->y);
    if (lines.n == 0) buf_z(&lines, "\n");
    leaf_values(g, buf_cstr(&lines));
    for (uint32_t i = 0; i < s->nparam; i++) {
        const char *name = atom_cstr(f->atoms, f->param.data[s->param + i].name);
        if (argo_files(f, f->param.data[s->param + i].type) == FILES_NONE) continue;
        put_file(g, name, arena_printf(&g->arena, "{{inputs.parameters._%s_uri}}", name));
    }
    if (carries_begin(g, l)) put_begun(g, "/wf/in/_begun");
    leaf_close(g);
    buf_free(&lines);
}

void leaf_outputs(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    bool files = false, begun = carries_begin(g, l), artifacts;
    for (uint32_t i = 0; i < s->noutput; i++)
        files = files || type_has(g->f->types, g->f->param.data[s->output + i].type, TYF_FILE);
    artifacts = files || g->fails || begun;
    if (s->noutput == 0 && !artifacts) return;
    yaml_key(&g->y, "outputs");
    if (artifacts) yaml_map(&g->y);
    else yaml_flow_map(&g->y);
    if (s->noutput > 0) {
        yaml_key(&g->y, "parameters");
        yaml_list(&g->y);
        leaf_out(g, "out", "/wf/out/value");
        yaml_end(&g->y);
    }
    if (artifacts) {
        yaml_key(&g->y, "artifacts");
        yaml_list(&g->y);
        if (files)
            leaf_artifact(g, "files", "/wf/out/files", arena_printf(&g->arena, "%s/{{workflow.uid}}/{{pod.name}}", g->prefix));
        if (begun) put_begun(g, "/wf/out/begun");
        leaf_failure(g, "{{inputs.parameters._node}}");
        yaml_end(&g->y);
    }
    yaml_end(&g->y);
}

/* Whether Python is carried into the image of the step, which needs it for nothing but the shim. */
static bool is_carried(const Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    const FlowConst *image = argo_image(g, l);
    bool python = s->body == BODY_FENCE && str_is(atom_str(g->f->atoms, s->lang), "python");
    return image != NULL && !python && *g->python_image != '\0' && !str_is(image->s, g->image) && !str_is(image->s, g->python_image);
}

static void put_mount(Argo *g, const char *name, const char *path) {
    yaml_flow_map(&g->y);
    yaml_pair_z(&g->y, "name", name);
    yaml_pair_z(&g->y, "mountPath", path);
    yaml_end(&g->y);
}

/* What carries Python: a container that runs before and leaves it in a folder of the pod. */
static void put_carrier(Argo *g) {
    YamlOut *y = &g->y;
    yaml_key(y, "initContainers");
    yaml_list(y);
    yaml_map(y);
    yaml_pair_z(y, "name", "python");
    yaml_pair_z(y, "image", g->python_image);
    put_words(g, (const char *const[]){"python3", "-IS", "/wf/bin/wf_shim.py", "argo", "python", "/wf/python"}, 6);
    yaml_key(y, "volumeMounts");
    yaml_flow_list(y);
    put_mount(g, "wf", "/wf/bin");
    put_mount(g, "python", "/wf/python");
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

/* Starts the carried Python by its own loader, with its own libraries: nothing of the image is used but the kernel. */
static void put_carried(Argo *g, const char *name) {
    put_words(g, (const char *const[]){"/wf/python/ld.so", "--library-path", "/wf/python/lib", "/wf/python/bin/python3", "-IS",
                                       "/wf/bin/wf_shim.py", "argo", "run", name}, 9);
    yaml_key(&g->y, "volumeMounts");
    yaml_flow_list(&g->y);
    put_mount(g, "python", "/wf/python");
    yaml_end(&g->y);
}

static void put_leaf(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    const FlowConst *image = argo_image(g, l);
    YamlOut *y = &g->y;
    emit_mark(g->out, s->span);
    yaml_map(y);
    yaml_pair_z(y, "name", l->name);
    const FlowConst *pool = argo_constant(g, argo_setting(g, l, SET_POOL));
    put_place(g, l);
    put_inputs(g, l);
    argo_put_retry(g, l);
    put_cache(g, l);
    if (pool != NULL) argo_put_semaphore(g, argo_pool(g, pool->s), "slots");
    bool carried = is_carried(g, l);
    put_volumes(g, carried);
    if (carried) put_carrier(g);
    open_container(g, image);
    if (carried) put_carried(g, l->name);
    else leaf_command(g, "run", l->name);
    yaml_key(y, "env");
    yaml_flow_list(y);
    leaf_pair(g, "WF_STEP", "{{inputs.parameters._node}}");
    if (argo_setting(g, l, SET_RETRY) != NULL) leaf_pair(g, "WF_RETRIES", "{{retries}}");
    if (carried) leaf_pair(g, "LD_PRELOAD", ""); /* of the image: not for a program that is not of it */
    put_secrets(g, s);
    yaml_end(y);
    put_resources(g, l);
    yaml_end(y);
    leaf_outputs(g, l);
    yaml_end(y);
}

void argo_write_leaves(Argo *g) {
    for (uint32_t i = 0; i < g->leaf.len; i++) {
        const ArgoLeaf *l = &g->leaf.data[i];
        if (g->outside[l->step] != NULL) argo_write_outside(g, l);
        else put_leaf(g, l);
    }
}

/* --- helpers --- */

void argo_write_params(Argo *g) {
    const Flow *f = g->f;
    const FlowWorkflow *w = &f->workflow.data[g->cx->workflow];
    YamlOut *y = &g->y;
    Buf lines = BUF_INIT;
    yaml_map(y);
    yaml_pair_z(y, "name", "params");
    leaf_open(g, "inputs", "artifacts");
    for (uint32_t i = 0; i < w->nparam; i++) {
        const char *name = atom_cstr(f->atoms, f->param.data[w->param + i].name);
        buf_printf(&lines, "%s {{=sprig.b64enc(", name);
        argo_path(&lines, arena_printf(&g->arena, "workflow.parameters.%s", name));
        buf_z(&lines, ")}}\n");
        if (argo_files(f, f->param.data[w->param + i].type) == FILES_ONE)
            buf_printf(&lines, "/wf/in/%s {{workflow.parameters.%s}}\n", name, name);
    }
    leaf_values(g, buf_cstr(&lines));
    for (uint32_t i = 0; i < w->nparam; i++) {
        const char *name = atom_cstr(f->atoms, f->param.data[w->param + i].name);
        if (argo_files(f, f->param.data[w->param + i].type) != FILES_ONE) continue;
        put_file(g, name, arena_printf(&g->arena, "{{workflow.parameters.%s}}", name));
    }
    leaf_close(g);
    leaf_container(g);
    leaf_command(g, "params", g->root);
    yaml_key(y, "env");
    yaml_list(y);
    leaf_pair(g, "WF_NODE", "");
    leaf_close(g);
    leaf_open(g, "outputs", "parameters");
    for (uint32_t i = 0; i < w->nparam; i++) {
        const char *name = atom_cstr(f->atoms, f->param.data[w->param + i].name);
        leaf_out(g, name, arena_printf(&g->arena, "/wf/out/params/%s", name));
    }
    if (g->params) leaf_out(g, "_params", "/wf/out/value");
    yaml_end(y);
    if (g->fails) {
        yaml_key(y, "artifacts");
        yaml_list(y);
        leaf_failure(g, "params");
        yaml_end(y);
    }
    yaml_end(y);
    yaml_end(y);
    buf_free(&lines);
}

/* A container that computes: its mode, what it gives, and the key under which it keeps that, or NULL. */
static void put_computing(Argo *g, const char *template, const char *mode, const char *key) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", template);
    leaf_open(g, "inputs", "parameters");
    leaf_parameter(g, "_node");
    leaf_parameter(g, "_call");
    leaf_parameter(g, "_values");
    yaml_end(y);
    yaml_key(y, "artifacts");
    yaml_list(y);
    leaf_values(g, "{{inputs.parameters._values}}");
    leaf_close(g);
    leaf_container(g);
    leaf_command(g, mode, "{{inputs.parameters._call}}");
    yaml_key(y, "env");
    yaml_list(y);
    leaf_pair(g, "WF_NODE", "{{inputs.parameters._node}}");
    leaf_close(g);
    leaf_open(g, "outputs", "parameters");
    leaf_out(g, "out", "/wf/out/value");
    yaml_end(y);
    if (g->fails || key != NULL) {
        yaml_key(y, "artifacts");
        yaml_list(y);
        if (key != NULL) leaf_artifact(g, "value", "/wf/out/value", key);
        else leaf_failure(g, "{{inputs.parameters._node}}.{{inputs.parameters._call}}");
        yaml_end(y);
    }
    yaml_end(y);
    yaml_end(y);
}

/* A template that ends well and does nothing: what hangs behind a failure that does not count. */
static void put_nothing(Argo *g) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", "nothing");
    yaml_key(y, "dag");
    yaml_map(y);
    yaml_key(y, "tasks");
    yaml_list(y);
    yaml_flow_map(y);
    yaml_pair_z(y, "name", "nothing");
    yaml_pair_z(y, "template", "nothing");
    yaml_pair_z(y, "when", "false");
    yaml_end(y);
    leaf_close(g);
    yaml_end(y);
}

static const char *saved_key(Argo *g) { return arena_printf(&g->arena, "%s/{{workflow.uid}}/values", g->prefix); }

bool argo_saves(const Argo *g, uint32_t workflow) {
    const FlowRegion *r = &g->f->region.data[g->f->workflow.data[workflow].body];
    for (uint32_t i = 0; i < r->n; i++)
        if (g->saved[r->first + i]) return true;
    return false;
}

void argo_write_values(Argo *g, const ArgoDag *d) {
    YamlOut *y = &g->y;
    const FlowRegion *r = &g->f->region.data[g->f->workflow.data[d->id].body];
    const char *spec = arena_printf(&g->arena, "%s.values", d->name);
    JsonOut j = json_open(argo_note(g, spec), '[');
    for (uint32_t i = 0; i < r->n; i++) {
        if (!g->saved[r->first + i]) continue;
        json_item(&j);
        json_string(j.b, atom_str(g->f->atoms, g->f->node.data[r->first + i].name));
    }
    json_close(&j);
    yaml_map(y);
    yaml_pair_z(y, "name", arena_printf(&g->arena, "%s---values", d->name));
    leaf_open(g, "inputs", "parameters");
    leaf_parameter(g, "_below");
    yaml_end(y);
    yaml_key(y, "artifacts");
    yaml_list(y);
    leaf_artifact(g, "saved", "/wf/in/saved", saved_key(g));
    leaf_close(g);
    leaf_container(g);
    leaf_command(g, "values", spec);
    yaml_key(y, "env");
    yaml_list(y);
    leaf_pair(g, "WF_BELOW", "{{inputs.parameters._below}}");
    leaf_close(g);
    leaf_open(g, "outputs", "parameters");
    for (uint32_t i = 0; i < r->n; i++) {
        const char *name = atom_cstr(g->f->atoms, g->f->node.data[r->first + i].name);
        if (g->saved[r->first + i]) leaf_out(g, name, arena_printf(&g->arena, "/wf/out/params/%s", name));
    }
    leaf_close(g);
    yaml_end(y);
}

/* The failures below a path, from where every container has left its own. */
static void put_failures(Argo *g) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", "failures");
    leaf_open(g, "inputs", "parameters");
    leaf_parameter(g, "_below");
    leaf_parameter(g, "_call");
    leaf_parameter(g, "_catch");
    yaml_end(y);
    yaml_key(y, "artifacts");
    yaml_list(y);
    leaf_artifact(g, "failures", "/wf/in/failures", arena_printf(&g->arena, "%s/{{workflow.uid}}/failures", g->prefix));
    leaf_close(g);
    leaf_container(g);
    leaf_command(g, "failures", "{{inputs.parameters._call}}");
    yaml_key(y, "env");
    yaml_list(y);
    leaf_pair(g, "WF_BELOW", "{{inputs.parameters._below}}");
    leaf_pair(g, "WF_CATCH", "{{inputs.parameters._catch}}");
    leaf_close(g);
    leaf_open(g, "outputs", "parameters");
    leaf_out(g, "out", "/wf/out/value");
    leaf_out(g, "all", "/wf/out/all");
    yaml_end(y);
    yaml_key(y, "artifacts");
    yaml_list(y);
    leaf_failure(g, "{{inputs.parameters._below}}caught");
    leaf_close(g);
    yaml_end(y);
}

void argo_write_helpers(Argo *g) {
    if (g->computes) put_computing(g, "compute", "compute", NULL);
    if (g->saves) put_computing(g, "save", "save", arena_printf(&g->arena, "%s/{{inputs.parameters._node}}", saved_key(g)));
    if (g->gathers) put_failures(g);
    if (g->nothing) put_nothing(g);
}
