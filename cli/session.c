#include "cli/session.h"

#include "base/io.h"
#include "compiler/backend/eval/eval.h"
#include "runtime/value/rt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Defaults of struct fields that are computed, for JSON that leaves the field out. One that fails stays without. */
static void compute_fallbacks(Plan *p) {
    Rt rt;
    rt_init(&rt, p->rt.types);
    for (uint32_t i = 0; i < p->flow->fallback.len; i++) {
        const FlowDefault *d = &p->flow->fallback.data[i];
        RtField *field = (RtField *)(uintptr_t)&p->rt.types->field[p->rt.types->type[d->type].first + d->field];
        if (field->fallback != NULL) continue;
        RtWord *w = ARENA_ARRAY(&p->arena, RtWord, p->rt.types->type[field->type].words + 1);
        if (eval_once(p, &rt, d->value, w)) {
            rt_keep(p->rt.types, field->type, w);
            field->fallback = w;
        }
        rt_clear_error(&rt);
        rt_scratch_reset(&rt);
    }
    rt_free(&rt);
}

static void drop_fallbacks(Plan *p) {
    for (uint32_t i = 0; i < p->flow->fallback.len; i++) {
        const FlowDefault *d = &p->flow->fallback.data[i];
        const RtField *field = &p->rt.types->field[p->rt.types->type[d->type].first + d->field];
        if (field->fallback != NULL && opnd_tag(d->value) != OPND_CONST) rt_drop(p->rt.types, field->type, (RtWord *)(uintptr_t)field->fallback);
    }
}

int session_open(Session *s, const Cli *cli, const char *path) {
    *s = (Session){0};
    int e = program_check(&s->program, path, "<stdin>", true);
    if (e != 0) return cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", path, strerror(e));
    if (s->program.diags.nerrors > 0) {
        program_explain(&s->program, cli, "run");
        return EXIT_FINDINGS;
    }
    Buf why = BUF_INIT;
    if (!program_lower(&s->program, NULL, &why)) {
        cli_error(0, "%s", why.p);
        buf_free(&why);
        return EXIT_INTERNAL;
    }
    Arena tmp = ARENA_INIT;
    Str dir = path_dir(str_of(strcmp(path, "-") == 0 ? "./x" : path));
    char *relative = arena_strndup(&tmp, dir.p, dir.n), *full = realpath(relative, NULL);
    s->project = full != NULL ? full : wf_strdup(relative);
    arena_free(&tmp);
    s->source = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    plan_build(&s->plan, &s->program.flow, s->project);
    s->plan.rt.source = s->source;
    s->planned = true;
    eval_install(&s->plan);
    compute_fallbacks(&s->plan);
    NativePolicy policy;
    int code = native_policy(cli, &policy);
    if (code == 0 && !native_open(&s->native, &s->plan, policy, &why)) {
        code = cli_error(EXIT_INTERNAL, "%s", buf_cstr(&why));
        buf_free(&why);
    }
    return code;
}

void session_close(Session *s) {
    if (s->planned) {
        native_close(&s->native);
        drop_fallbacks(&s->plan);
        plan_free(&s->plan);
    }
    program_free(&s->program);
    free(s->project);
    free(s->source);
}

const char *cli_store_dir(const Cli *cli, Arena *a, const char *project) {
    const char *named = cli_option(cli, "store");
    if (named != NULL) return named;
    if (project != NULL) return path_join(a, str_of(project), STR(".wfc"));
    char *here = getcwd(NULL, 0);
    const char *found = ".wfc";
    for (Str dir = str_of(here); dir.n > 0; dir = path_dir(dir)) {
        char *candidate = path_join(a, dir, STR(".wfc"));
        if (access(candidate, F_OK) == 0) {
            found = candidate;
            break;
        }
        if (dir.n == 1) break;
    }
    free(here);
    return found;
}

Engine *session_engine(const Cli *cli, const char *project, bool read_only) {
    Arena tmp = ARENA_INIT;
    Buf why = BUF_INIT;
    const char *dir = cli_store_dir(cli, &tmp, project);
    Engine *e = NULL;
    if (read_only && access(dir, F_OK) != 0)
        buf_printf(&why, "there is no store `%s`: nothing was run here yet; --store names another", dir);
    else
        e = engine_open(dir, read_only, &why);
    if (e == NULL) cli_error(0, "%s", buf_cstr(&why));
    buf_free(&why);
    arena_free(&tmp);
    return e;
}

bool secret_value(void *cx, const char *name, Buf *value) {
    const Cli *cli = cx;
    Buf key = BUF_INIT, upper = BUF_INIT;
    for (const char *p = name; *p; p++) buf_addc(&upper, *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
    buf_printf(&key, "WFC_SECRET_%s", buf_cstr(&upper));
    const char *env = getenv(key.p), *dir = cli_option(cli, "secrets");
    bool found = env != NULL;
    if (found) {
        buf_z(value, env);
    } else if (dir != NULL && strchr(name, '/') == NULL) {
        Buf file = BUF_INIT;
        buf_clear(&key);
        buf_printf(&key, "%s/%s", dir, name);
        found = io_read_file(key.p, 1 << 20, &file) == 0;
        while (file.n > 0 && (file.p[file.n - 1] == '\n' || file.p[file.n - 1] == '\r')) file.n--;
        if (found) buf_add(value, file.p, file.n);
        buf_free(&file);
    }
    if (!found) buf_printf(value, "set WFC_SECRET_%s or give --secrets DIR", buf_cstr(&upper));
    buf_free(&upper);
    buf_free(&key);
    return found;
}
