/* wfc check: findings of files. */
#include "cli/emission.h"

#include <stdio.h>

/* Adds what one target, by its name, cannot keep. */
static bool check_target(Program *p, const char *name, const WorkflowList *list) {
    TargetCx cx = {.flow = &p->flow, .diags = &p->diags};
    if (!emission_target(&cx, p, name)) return false;
    for (uint32_t i = 0; i < list->len; i++) {
        cx.workflow = list->data[i];
        target_check(&cx);
    }
    return true;
}

/* Adds what the targets of the command line cannot keep, to the findings of a program without errors. */
static int check_targets(const Cli *cli, Program *p) {
    Buf why = BUF_INIT;
    WorkflowList list = {0};
    int code = EXIT_FINE;
    if (!program_lower(p, NULL, &why)) code = cli_error(EXIT_INTERNAL, "%s", why.p);
    else if (!emission_workflows(p, NULL, &list)) code = EXIT_USAGE;
    for (uint32_t i = 0; i < cli->values.len && code == EXIT_FINE; i++) {
        if (strcmp(cli->values.data[i].option->name, "target") != 0) continue;
        const char *name = cli->values.data[i].value;
        bool ok = true;
        if (strcmp(name, "all") != 0) ok = check_target(p, name, &list);
        else
            for (int k = 0; targets[k] != NULL && ok; k++) ok = check_target(p, targets[k]->name, &list);
        if (!ok) code = EXIT_USAGE;
    }
    diags_sort(&p->diags);
    vec_free(&list);
    buf_free(&why);
    return code;
}

static int check_one(Cli *cli, const char *path) {
    const char *format = cli_option(cli, "format"), *name = cli_option(cli, "stdin-filename");
    bool targeted = cli_has(cli, "target");
    Program p;
    int e = program_check(&p, path, name != NULL ? name : "<stdin>", targeted), code = EXIT_FINE;
    if (e != 0) code = cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", path, strerror(e));
    else if (targeted && p.diags.nerrors == 0) code = check_targets(cli, &p);
    if (code == EXIT_FINE) code = program_report(&p, cli, format, cli_has(cli, "deny-warnings"));
    program_free(&p);
    return code;
}

static int run(Cli *cli) {
    if (cli->args.len == 0) return cli_usage(cli, "no file is named");
    const char *format = cli_option(cli, "format");
    if (format != NULL && strcmp(format, "text") != 0 && strcmp(format, "json") != 0 && strcmp(format, "line") != 0)
        return cli_usage(cli, "--format is text, line or json, not `%s`", format);
    int worst = EXIT_FINE;
    for (uint32_t i = 0; i < cli->args.len; i++) {
        int code = check_one(cli, cli->args.data[i]);
        if (code > worst) worst = code;
    }
    return worst;
}

const Verb verb_check = {
    .name = "check",
    .usage = "check [OPTIONS] FILE...",
    .summary = "finds mistakes in workflow files",
    .about = "Reads the files and what they import, and reports every mistake that can be known before a run: syntax, names, types,\n"
             "cycles, secrets that would leak, schedules, effects without order, and what is not used. Nothing is run and no network\n"
             "is used. `-` reads standard input. The exit code is 1 when there are errors. TARGET is argo, airflow, stepfunctions, or a\n"
             "`target` block of the file.",
    .options = (const CliOption[]){
        {"target", 't', "TARGET", true, "also report what this target cannot keep; `all` for each; may be given several times"},
        {"format", 0, "FORMAT", false, "text, line (one a line) or json"},
        {"deny-warnings", 0, NULL, false, "exit with 1 when there are warnings"},
        {"stdin-filename", 0, "NAME", false, "the name of `-` in messages, and where its imports are looked for"},
        {0}},
    .examples = (const CliExample[]){{"wfc check train.wf", "check one file"}, {"wfc check --format json *.wf", "findings for a program"}, {0}},
    .run = run,
};
