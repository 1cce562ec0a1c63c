/* wfc compile: a workflow as another engine takes it. */
#include "cli/emission.h"

#include "base/io.h"
#include "runtime/exec/shim.h"

#include <errno.h>
#include <stdlib.h>

/* Adds the files of one workflow to those of the others; equal files are one. False when two differ under one name. */
static bool merge(EmitOut *all, EmitOut *one) {
    bool ok = true;
    uint32_t *place = wf_alloc((one->file.len + 1) * sizeof *place);
    for (uint32_t i = 0; i < one->file.len; i++) {
        EmitFile *f = &one->file.data[i];
        uint32_t k = 0;
        while (k < all->file.len && strcmp(all->file.data[k].path, f->path) != 0) k++;
        place[i] = UINT32_MAX;
        if (k == all->file.len) {
            place[i] = k;
            vec_push(&all->file, *f);
            *f = (EmitFile){0};
        } else if (!str_eq(buf_view(&all->file.data[k].text), buf_view(&f->text))) {
            cli_error(0, "two workflows of the file would both be written to `%s`; write one at a time with --workflow", f->path);
            ok = false;
        }
    }
    for (uint32_t i = 0; i < one->mark.len; i++) {
        EmitMark m = one->mark.data[i];
        m.file = place[m.file];
        if (m.file != UINT32_MAX) vec_push(&all->mark, m);
    }
    free(place);
    emit_free(one);
    return ok;
}

static int write_one(const char *dir, const char *path, Str text) {
    Arena a = ARENA_INIT;
    const char *full = path_join(&a, str_of(dir), str_of(path));
    Str folder = path_dir(str_of(full));
    int e = io_mkdirs(arena_strndup(&a, folder.p, folder.n));
    if (e == 0) e = io_write_file(full, text);
    int code = EXIT_FINE;
    Buf line = BUF_INIT;
    if (e != 0) {
        code = cli_error(EXIT_INTERNAL, "cannot write `%s`: %s", full, strerror(e));
    } else {
        buf_printf(&line, "%s\n", full);
        if (!cli_out(buf_view(&line))) code = EXIT_INTERNAL;
    }
    buf_free(&line);
    arena_free(&a);
    return code;
}

static int write_all(const Cli *cli, const EmitOut *out, Sources *sources) {
    const char *dir = cli_option(cli, "output");
    bool map = cli_has(cli, "source-map");
    if (dir == NULL) {
        if (out->file.len != 1 || map) {
            cli_usage(cli, "%u files are to be written: name a folder with -o", out->file.len + (map ? out->file.len : 0));
            return EXIT_USAGE;
        }
        return cli_out(buf_view(&out->file.data[0].text)) ? EXIT_FINE : EXIT_INTERNAL;
    }
    int code = EXIT_FINE;
    for (uint32_t i = 0; i < out->file.len && code == EXIT_FINE; i++) {
        const EmitFile *f = &out->file.data[i];
        code = write_one(dir, f->path, buf_view(&f->text));
        if (code != EXIT_FINE || !map || !emit_has_marks(out, i)) continue;
        Buf json = BUF_INIT, name = BUF_INIT;
        emit_source_map(&json, out, i, sources);
        buf_printf(&name, "%s.map", f->path);
        code = write_one(dir, buf_cstr(&name), buf_view(&json));
        buf_free(&json);
        buf_free(&name);
    }
    return code;
}

/* Checks and writes every workflow that is asked for; nothing reaches the disk when one has errors. */
static int emit_all(const Cli *cli, Program *p, const char *path) {
    TargetCx cx = {.flow = &p->flow, .diags = &p->diags, .source = str_of(strcmp(path, "-") == 0 ? "stdin.wf" : path),
                   .shim = exec_task_shim(), .node_shim = exec_node_shim(), .strict = cli_has(cli, "strict")};
    WorkflowList list = {0};
    if (!emission_target(&cx, p, cli_option(cli, "target")) || !emission_workflows(p, cli_option(cli, "workflow"), &list)) {
        vec_free(&list);
        return EXIT_USAGE;
    }
    EmitOut out = {0};
    bool checked = true, merged = true;
    for (uint32_t i = 0; i < list.len; i++) {
        cx.workflow = list.data[i];
        checked = target_check(&cx) && checked;
    }
    diags_sort(&p->diags);
    if (p->diags.list.len > 0) program_explain(p, cli, "written");
    for (uint32_t i = 0; checked && i < list.len; i++) {
        EmitOut one = {0};
        cx.workflow = list.data[i];
        cx.target->emit(&cx, &one);
        merged = merge(&out, &one) && merged;
    }
    int code = !checked ? EXIT_FINDINGS : !merged ? EXIT_USAGE : write_all(cli, &out, &p->sources);
    emit_free(&out);
    vec_free(&list);
    return code;
}

static int run(Cli *cli) {
    if (cli->args.len != 1) return cli_usage(cli, "name one file to compile");
    if (cli_option(cli, "target") == NULL) return cli_usage(cli, "name a target with --target; `wfc targets` lists them");
    Program p;
    Buf why = BUF_INIT;
    const char *path = cli->args.data[0];
    int e = program_check(&p, path, "<stdin>", true), code;
    if (e != 0) {
        code = cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", path, strerror(e));
    } else if (p.diags.nerrors > 0) {
        program_explain(&p, cli, "written");
        code = EXIT_FINDINGS;
    } else if (!program_lower(&p, NULL, &why)) {
        code = cli_error(EXIT_INTERNAL, "%s", why.p);
    } else {
        diags_truncate(&p.diags, 0); /* `check` tells the warnings */
        code = emit_all(cli, &p, path);
    }
    buf_free(&why);
    program_free(&p);
    return code;
}

const Verb verb_compile = {
    .name = "compile",
    .usage = "compile --target TARGET [OPTIONS] FILE",
    .summary = "writes a workflow for Argo Workflows, Airflow or Step Functions",
    .about = "Checks the file as `check --target` does and writes what the engine takes, with the same meaning as a run here. A construct\n"
             "that the engine cannot keep is an error at its line; then nothing is written. TARGET is an engine (argo, airflow,\n"
             "stepfunctions) or a `target` block of the file. One file goes to standard output, several need -o. The bytes depend on\n"
             "the source alone.",
    .options = (const CliOption[]){
        {"target", 't', "TARGET", false, "the engine, or a `target` block of the file"},
        {"output", 'o', "DIR", false, "write the files into this folder and print their names"},
        {"workflow", 'w', "NAME", false, "which workflow; each that no other calls without it"},
        {"source-map", 0, NULL, false, "write FILE.map beside each file that comes from the source: which line from where"},
        {"strict", 0, NULL, false, "refuse what the engine can only run with less parallelism"},
        {0}},
    .examples = (const CliExample[]){{"wfc compile --target argo train.wf -o out && kubectl apply -f out", "give a workflow to a cluster"},
                                     {"wfc compile --target airflow train.wf -o dags", "write a DAG and what it needs"},
                                     {0}},
    .run = run,
};
